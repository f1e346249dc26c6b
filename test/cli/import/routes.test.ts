/** Routes, logins and options of ssh in lists of machines. */
import assert from 'node:assert/strict';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { FleetError } from '../../../src/platform/errors/errors.ts';
import { clientsXml } from '../../../src/cli/import/clients-xml.ts';
import { makeAccount, noOtherAccount, removeAccount } from '../../support/programs/accounts.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { importList } from './support/import-list.ts';

function ansible(variables: object) {
  const text = JSON.stringify({ _meta: { hostvars: { a: variables } } });
  const { hosts, skipped } = importList('ansible', { file: null, text });
  return { xml: clientsXml(hosts), skipped: skipped.map(({ where, why }) => `${where}: ${why}`) };
}

const throughBastion =
  '<bastion name="b" ip="b" port="2222" username="ops" privateKey="/k"/>\n<client name="a" proxyJump="b"/>\n';

/** Forms of a ProxyCommand in public inventories and ssh_configs, and the clients that they make. */
const understood: readonly (readonly [command: string, xml: string])[] = [
  ['ssh -W %h:%p b', '<client name="a" proxyJump="b"/>\n'],
  ['ssh b -W %h:%p', '<client name="a" proxyJump="b"/>\n'],
  ['ssh -W [%h]:%p ops@b', '<client name="a" proxyJump="ops@b"/>\n'],
  ['ssh -qW %h:%p ops@b', '<client name="a" proxyJump="ops@b"/>\n'],
  ['exec /usr/bin/ssh -W %h:%p ssh://ops@b:2222', '<client name="a" proxyJump="ops@b:2222"/>\n'],
  ['ssh -p 2222 -W %h:%p -q ops@b', '<client name="a" proxyJump="ops@b:2222"/>\n'],
  ['ssh -p2222 -l ops b -W %h:%p', '<client name="a" proxyJump="ops@b:2222"/>\n'],
  ['ssh -W %h:%p -o User=ops -o "Port 2222" b', '<client name="a" proxyJump="ops@b:2222"/>\n'],
  ['ssh -i /k -p 2222 -W %h:%p ops@b', throughBastion],
  ['ssh -o IdentityFile=/k -oPort=2222 -o ProxyCommand=none ops@b -W %h:%p', throughBastion],
  ['ssh -o ProxyCommand=none -W %h:%p b', '<client name="a" proxyJump="b"/>\n'],
  ['ssh -J c,d -W %h:%p b', '<client name="a" proxyJump="c,d,b"/>\n'],
  ['ssh b nc %h %p', '<client name="a" proxyJump="b"/>\n'],
  ["ssh -q b 'exec nc -w 90 %h %p 2>/dev/null'", '<client name="a" proxyJump="b"/>\n'],
  ['ssh b /bin/netcat -q0 %h %p 2> /dev/null', '<client name="a" proxyJump="b"/>\n'],
  ['ssh -W %h:%p -p 22 ops@2001:db8::1', '<client name="a" proxyJump="ops@[2001:db8::1]:22"/>\n'],
];
for (const [command, xml] of understood) {
  test(`a client is reached through the machine of ProxyCommand ${command}`, (t) => {
    const args = `-o 'ProxyCommand=${command.replaceAll("'", String.raw`'\''`)}'`;
    assert.equal(ansible({ ansible_ssh_common_args: args }).xml, xml);
    const file = path.join(tempFolder(t), 'config');
    const text = `Host a\n  ProxyCommand ${command}\n`;
    writeFileSync(file, text, { mode: 0o600 });
    assert.equal(clientsXml(importList('ssh-config', { file, text }).hosts), xml);
  });
}

const notUnderstood: readonly string[] = [
  'corkscrew proxy 80 %h %p',
  'nc -x proxy %h %p',
  'ssh -W other:22 b',
  'ssh -W %h:%p',
  'ssh b nc -x proxy %h %p',
  'ssh b nc %h 22',
  'ssh -F other.cfg -W %h:%p b',
  'ssh -o "ProxyCommand=ssh -W %%h:%%p c" -W %h:%p b',
  'ssh -W %h:%p $(cat bastion)',
  'ssh -W %h:%p b; true',
  'ssh -W %h:%p %n.b',
  'ssh -W %h:%p %r@b',
  'ssh -Z -W %h:%p b',
  'sshpass -p secret ssh -W %h:%p b',
  'ssh -W %h:%p "b',
];
for (const command of notUnderstood) {
  test(`a machine is left out whose route is not understood: ProxyCommand ${command}`, () => {
    const args = `-o 'ProxyCommand=${command}'`;
    const { xml, skipped } = ansible({ ansible_ssh_common_args: args });
    assert.equal(xml, '');
    assert.match(skipped.join('\n'), /^host a: its ProxyCommand.* has no words in config\.xml; name a <bastion>/m);
    assert.doesNotMatch(skipped.join('\n'), /secret/);
  });
}

test('arguments of ssh that cannot be split leave the machine out', () => {
  const { xml, skipped } = ansible({ ansible_ssh_common_args: '-o ProxyCommand="ssh -W %h:%p b' });
  assert.deepEqual(
    { xml, skipped },
    {
      xml: '',
      skipped: ['host a: its arguments for ssh are not such that ssh would take them'],
    },
  );
});

test('the names with ssh win, as in Ansible', () => {
  const { xml } = ansible({
    ...{ ansible_host: '192.0.2.1', ansible_ssh_host: '192.0.2.2', ansible_port: 22, ansible_ssh_port: 2222 },
    ...{ ansible_user: 'one', ansible_ssh_user: 'other', ansible_private_key_file: '/one' },
    ...{ ansible_ssh_private_key_file: '/other' },
  });
  assert.equal(xml, '<client name="a" ip="192.0.2.2" port="2222" username="other" privateKey="/other"/>\n');
});

const ofArguments: readonly (readonly [variables: object, xml: string])[] = [
  [{ ansible_ssh_args: '-l ops -p 2222 -i /k -J j' }, 'port="2222" username="ops" privateKey="/k" proxyJump="j"'],
  [{ ansible_ssh_args: '-o User=ops', ansible_user: 'other' }, 'username="ops"'],
  [{ ansible_ssh_common_args: '-o User=ops', ansible_user: 'other' }, 'username="other"'],
  [{ ansible_ssh_extra_args: '-o User=ops -oPort=2222' }, 'port="2222" username="ops"'],
  [{ ansible_ssh_args: '-o ProxyJump=none -J j', ansible_user: { __ansible_unsafe: 'ops' } }, 'username="ops"'],
  [{ ansible_ssh_args: '-o HostName=192.0.2.7' }, 'ip="192.0.2.7"'],
  [
    { ansible_connection: 'paramiko', ansible_paramiko_proxy_command: 'ssh -W %h:%p %r@b', ansible_user: 'ops' },
    'username="ops" proxyJump="ops@b"',
  ],
];
for (const [variables, attributes] of ofArguments) {
  test(`${JSON.stringify(variables)} makes a client with ${attributes}`, () => {
    assert.equal(ansible(variables).xml, `<client name="a" ${attributes}/>\n`);
  });
}

test('a reader names each variable and option that it saw and did not take', () => {
  const { xml, skipped } = ansible({
    ...{ ansible_ssh_args: '-F ssh.cfg -C -o ControlMaster=auto -i /k', ansible_ssh_private_key_file: '/l' },
    ...{ ansible_ssh_common_args: '-o KexAlgorithms=x -o HostKeyAlias=y -o ProxyCommand="ssh -A -W %h:%p b"' },
    ...{ ansible_become: true, ansible_password: 'secret', http_port: 80, ntp: 'x' },
  });
  assert.equal(xml, '<client name="a" privateKey="/k" proxyJump="b"/>\n');
  assert.deepEqual(skipped, [
    'variable ansible_become: not taken from a',
    'variable ansible_password: not taken from a',
    ...['-F', '-C', 'ControlMaster', 'KexAlgorithms', 'HostKeyAlias'].map(
      (option) => `option ${option} of ssh: not taken from a`,
    ),
    'option -A of a ProxyCommand: not taken from a',
    'private keys after the first: not taken from a',
    'variables that are not of the connection: not taken: http_port, ntp',
  ]);
});

const unknown: readonly (readonly [variables: object, why: string])[] = [
  [{ ansible_user: { __ansible_vault: 'x' } }, 'ansible_user is encrypted by ansible-vault'],
  [{ ansible_private_key_file: '{{ k }}' }, 'ansible_private_key_file is a template, which only Ansible fills in'],
  [{ ansible_ssh_args: '{{ k }}' }, 'ansible_ssh_args is a template, which only Ansible fills in'],
  [{ ansible_port: [22] }, 'ansible_port is neither a text nor a number'],
];
for (const [variables, why] of unknown) {
  test(`a machine is left out, with the reason: ${why}`, () => {
    assert.deepEqual(ansible(variables), { xml: '', skipped: [`host a: ${why}`] });
  });
}

test('the reader of ssh_config names each option that it saw and did not take', (t) => {
  const file = path.join(tempFolder(t), 'config');
  const options = ['KexAlgorithms x', 'HostKeyAlias y', 'ForwardAgent yes', 'CertificateFile /c', 'Bogus z'];
  const text = `Host a b\n  User ops\n  IdentityFile /k\n  IdentityFile /l\n  ${options.join('\n  ')}\n`;
  writeFileSync(file, text, { mode: 0o600 });
  const { hosts, skipped } = importList('ssh-config', { file, text });
  const both = 'username="ops" privateKey="/k"';
  assert.equal(clientsXml(hosts), `<client name="a" ${both}/>\n<client name="b" ${both}/>\n`);
  assert.deepEqual(
    skipped.map(({ where, why }) => `${where}: ${why}`),
    [
      ...[
        'option KexAlgorithms',
        'option HostKeyAlias',
        'option CertificateFile',
        'option IdentityFile after the first',
      ],
      ...['option ForwardAgent', `the option at ${file}:9, which OpenSSH does not know`],
    ].map((key) => `${key}: not taken from a, b`),
  );
});

test('`~` and Include of an ssh_config are those of the file’s owner', { skip: noOtherAccount }, async (t) => {
  const account = await makeAccount(tempFolder(t), {});
  t.after(() => removeAccount(account));
  const folder = path.join(account.home, '.ssh');
  mkdirSync(path.join(folder, 'conf.d'), { recursive: true });
  const files: readonly (readonly [name: string, text: string])[] = [
    ['config', 'Include conf.d/*\nHost a\n  IdentityFile ~/keys/a\nHost c\n  IdentityFile %d/keys/c\n'],
    ['conf.d/more', 'Host b\n  User %u\n  IdentityFile ~/keys/b\n'],
  ];
  for (const [name, text] of files) {
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
    chownSync(path.join(folder, name), account.uid, account.uid);
  }
  const { hosts, skipped } = importList('ssh-config', { file: path.join(folder, 'config'), text: '' });
  assert.deepEqual(
    hosts.map(({ name, username, privateKey }) => [name, username, privateKey]),
    [
      ['b', account.name, `${account.home}/keys/b`],
      ['a', null, `${account.home}/keys/a`],
      ['c', null, `${account.home}/keys/c`],
    ],
  );
  assert.deepEqual(skipped, []);
});

const nagios = (command: string, more = ''): string =>
  `define command {\n  command_name c\n  command_line ${command}\n}
define host {\n  host_name a\n  address 192.0.2.1\n}
define service {\n  host_name a\n  service_description s\n  check_command c!x\n${more}}\n`;

const ofNagios: readonly (readonly [command: string, client: string, skipped: readonly string[]])[] = [
  [
    '/p/check_by_ssh -H $HOSTADDRESS$ -l ops -i /k -p 2222 -t 20 -q -C "/bin/$ARG1$"',
    'port="2222" username="ops" privateKey="/k"',
    ['option -t of check_by_ssh: not taken from a', 'option -q of check_by_ssh: not taken from a'],
  ],
  ['/p/check_by_ssh -H192.0.2.1 --logname=ops --port 22 --command "/bin/x"', 'port="22" username="ops"', []],
  ['/p/check_by_ssh -l $USER5$ -C /bin/x', '', ['option -l of check_by_ssh: not taken from a']],
];
for (const [command, client, skipped] of ofNagios) {
  test(`a command of Nagios says how to log in: ${command}`, () => {
    const read = importList('nagios', { file: null, text: nagios(command) });
    const start = `<client name="a" ip="192.0.2.1"${client === '' ? '' : ` ${client}`}>`;
    assert.equal(clientsXml(read.hosts), `${start}\n  <check name="s" command="/bin/x"/>\n</client>\n`);
    assert.deepEqual(
      read.skipped.map(({ where, why }) => `${where}: ${why}`),
      skipped,
    );
  });
}

test('a command of Nagios that runs on another machine is no check', () => {
  const { hosts } = importList('nagios', { file: null, text: nagios('/p/check_by_ssh -H other -C /bin/x') });
  assert.deepEqual(hosts[0]?.checks, []);
});

test('the reader of Nagios names each directive that it saw and did not take', () => {
  const text = `${nagios('/bin/x', '  contact_groups y\n')}define timeperiod {\n  name z\n}\n`;
  assert.deepEqual(importList('nagios', { file: null, text }).skipped, [
    { where: 'define service', why: 'directives that are not taken: contact_groups' },
    { where: 'define timeperiod', why: '1 object of this type not taken' },
  ]);
});

for (const more of ['use generic', 'register 0', 'hostgroup_name all']) {
  test(`a file of Nagios that people write is no list: ${more}`, () => {
    const text = nagios('/bin/x', `  ${more}\n`);
    assert.throws(
      () => importList('nagios', { file: null, text }),
      (thrown: FleetError) => /only Nagios resolves.*nagios -pv/s.test(`${thrown.message} ${thrown.advice}`),
    );
  });
}

test('a bad check of Nagios costs no machine', () => {
  const { hosts, skipped } = importList('nagios', { file: null, text: nagios('/p/check_by_ssh -C "~/bin/x"') });
  assert.equal(clientsXml(hosts), '<client name="a" ip="192.0.2.1"/>\n');
  assert.match(skipped[0]?.why ?? '', /^check s: .*write the absolute path of a program/);
});

test('the readers of known_hosts and pattoo say what they saw and did not take', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
  const known = importList('known-hosts', { file: null, text: `a,b.example.org,192.0.2.1,192.0.2.2 ${key}\n` });
  assert.equal(clientsXml(known.hosts), '<client name="a" ip="192.0.2.1"/>\n');
  assert.deepEqual(known.skipped, [{ where: 'line 1', why: '2 further names of the machine not taken' }]);
  const text = 'pattoo-os-hubd:\n  polling: 1\n  ip_devices:\n    - {ip_address: 192.0.2.1, tls: yes}\n';
  assert.deepEqual(importList('pattoo', { file: null, text }).skipped, [
    { where: 'key tls', why: 'not taken from pattoo-os-hubd.ip_devices[0]' },
    { where: 'key polling', why: 'not taken from pattoo-os-hubd' },
  ]);
});

test('a table says which columns and fields it has that are not read', () => {
  const { skipped } = importList('csv', { file: null, text: 'name,host,x\na,b,c,d\n' });
  assert.deepEqual(skipped, [
    { where: 'line 1', why: 'columns that are not read: 2, 3' },
    { where: 'line 2', why: 'fields after the last title are not read' },
  ]);
});

function ofHosts(args: Readonly<Record<string, string>>) {
  const hostvars = Object.fromEntries(Object.entries(args).map(([name, one]) => [name, { ansible_ssh_args: one }]));
  const { hosts, skipped } = importList('ansible', { file: null, text: JSON.stringify({ _meta: { hostvars } }) });
  return { xml: clientsXml(hosts), skipped: skipped.map(({ where, why }) => `${where}: ${why}`) };
}

test('a machine that is its own bastion is imported without the jump', () => {
  assert.deepEqual(ofHosts({ 'jump-1': '-J jump-1', 'web-1': '-J jump-1' }), {
    xml: '<client name="jump-1"/>\n<client name="web-1" proxyJump="jump-1"/>\n',
    skipped: ['host jump-1: its jump through jump-1: it is that machine itself'],
  });
});

test('machines that are reached through each other are left out', () => {
  const { xml, skipped } = ofHosts({ a: '-J b', b: '-J a', c: '' });
  assert.equal(xml, '<client name="c"/>\n');
  assert.match(
    skipped.join('\n'),
    /host a: .*"a" needs "b", which needs "a".*\nhost b: .*"b" needs "a", which needs "b"/,
  );
});

test('bastions of one name and different keys get names of their own', () => {
  const through = (key: string): string => `-o "ProxyCommand=ssh -i ${key} -W %h:%p jump-1"`;
  assert.deepEqual(ofHosts({ a: through('/k'), b: through('/l'), c: '-J jump-3' }), {
    xml: `<bastion name="jump-1" ip="jump-1" privateKey="/k"/>
<bastion name="jump-1-2" ip="jump-1" privateKey="/l"/>
<client name="a" proxyJump="jump-1"/>
<client name="b" proxyJump="jump-1-2"/>
<client name="c" proxyJump="ssh://jump-3"/>
`,
    skipped: [],
  });
});
