/** The route to a client, from config.xml and ssh_config together: the value that applies, and its source. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import type { Client, SshSettings } from '../../../src/config/config.ts';
import { Secret } from '../../../src/config/secret.ts';
import type { Route } from '../../../src/transport/route/route.ts';
import { createTransportShared } from '../../../src/transport/transport-shared.ts';
import { load } from '../../config/support/config-files.ts';
import { fails } from '../../support/ssh/login.ts';
import { pluck } from '../../support/pluck.ts';
import { sharedFor, sshBastion, sshClient, type Machines } from '../../support/ssh/run-shared.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const dir = tempFolder();

const config = path.join(dir, 'config');
const said = (text: string): Partial<SshSettings> => {
  writeFileSync(config, text);
  return { config };
};
const route = (client: Client, machines: Machines = {}): Route => sharedFor(machines).routeTo(client);

/** Returns NAME=VALUE (SOURCE) of the last machine. */
function sources(found: Route, ...names: readonly string[]): readonly string[] {
  const values = found.hops.at(-1)?.values ?? [];
  return names.map((name) => {
    const one = values.find((value) => value.name === name);
    return one === undefined ? `${name}: nothing` : `${name}=${one.value} (${one.source.replace(`${dir}/`, '')})`;
  });
}

const all = `Host web
  HostName real.example
  Port 2200
  User fromssh
  IdentityFile ${dir}/a
  IdentityFile ${dir}/b
  IdentitiesOnly yes
  IdentityAgent ${dir}/agent
  UserKnownHostsFile ${dir}/k1 ${dir}/k2
  GlobalKnownHostsFile none
  HostKeyAlias Alias
  ConnectTimeout 7
  AddressFamily inet6
  StrictHostKeyChecking accept-new
`;

test('ssh_config wins over defaults', () => {
  const client = sshClient('web', said(all), { addressExplicit: false });
  const found = route({ ...client, ssh: { ...client.ssh, explicit: { config: '' } } });
  const [hop] = found.hops;
  assert.deepEqual(sources(found, 'ip', 'port', 'username', 'privateKey', 'agent', 'hostKeys', 'host key of'), [
    'ip=real.example (config:2)',
    'port=2200 (config:3)',
    'username=fromssh (config:4)',
    `privateKey=${dir}/a, ${dir}/b (config:5, ${dir}/config:6)`,
    `agent=${dir}/agent (config:8)`,
    'hostKeys=accept-new (config:14)',
    'host key of=alias (config:11)',
  ]);
  assert.deepEqual(hop?.knownHosts, ['/nowhere/known_hosts', `${dir}/k1`, `${dir}/k2`]);
  assert.deepEqual(sources(found, 'knownHosts', 'tcpTimeout', 'address family', 'identities only'), [
    `knownHosts=${hop.knownHosts.join(', ')} (default, and config:9, ${dir}/config:10)`,
    'tcpTimeout=7s (config:12)',
    'address family=IPv6 (config:13)',
    'identities only=yes (config:7)',
  ]);
  assert.deepEqual(
    { family: hop.family, connectTimeoutMs: hop.connectTimeoutMs, identitiesOnly: hop.credentials.identitiesOnly },
    { family: 6, connectTimeoutMs: 7000, identitiesOnly: true },
  );
});

test('what ssh_config does not set is as in ssh', () => {
  const [hop] = route(sshClient('web', said('Host web\n AddressFamily inet\n IdentityAgent none\n'))).hops;
  const { homedir } = userInfo();
  const own = ['id_rsa', 'id_ecdsa', 'id_ed25519'].map((name) => ({ path: `${homedir}/.ssh/${name}`, optional: true }));
  assert.deepEqual(hop?.credentials, {
    ...{ password: null, passphrase: null, privateKeys: own, agent: null, identitiesOnly: false },
  });
  const files = ['/nowhere/known_hosts', `${homedir}/.ssh/known_hosts`, `${homedir}/.ssh/known_hosts2`];
  assert.deepEqual(hop.knownHosts, [...files, '/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']);
  const shown = hop.values.map(({ name, value, source }) => `${name}=${value} (${path.basename(source)})`);
  assert.deepEqual(
    shown.filter((value) => /^(?:address|agent|knownHosts|port|identities|host key)/.test(value)),
    [
      'port=22 (default)',
      `knownHosts=${hop.knownHosts.join(', ')} (default, and those of ssh)`,
      'host key of=web (its address)',
      'agent=none (config:3)',
      'address family=IPv4 (config:2)',
    ].sort((one, other) => shown.indexOf(one) - shown.indexOf(other)),
  );
  assert.deepEqual([hop.family, hop.policy, hop.connectTimeoutMs], [4, 'strict', null]);
});

test('a way has at most sixteen machines before the client', async () => {
  const through = (count: number): Route =>
    route(sshClient('web', { proxyJump: Array.from({ length: count }, (_, index) => `x@h${index}`).join() }));
  assert.equal(through(16).hops.length, 17);
  const tooLong = Promise.resolve().then(() => through(17));
  await fails(
    tooLong,
    'config-invalid',
    /^config\.xml:7: proxyJump "x@h0,.* comes back to where it began, or is too long$/,
  );
  const odd = Promise.resolve().then(() => route(sshClient('web', { proxyJump: '-x' })));
  await fails(odd, 'config-invalid', /proxyJump "-x" is no way that can be followed$/);
});

test('a bastion comes before a client of the same name, and key exchanges that ssh2 lacks are named', () => {
  const [bastions, clients] = [[sshBastion('gate', {}, { port: 2201 })], [sshClient('gate', {}, { port: 2202 })]];
  const [first] = route(sshClient('web', { proxyJump: 'gate' }), { bastions, clients }).hops;
  assert.equal(first?.port, 2201);
  const [alone, ...others] = sharedFor({ bastions }).routeTo(sshBastion('gate', {})).hops;
  assert.deepEqual([alone?.kind, alone?.name, others], ['bastion', 'gate', []]);
  const { unsupported } = route(sshClient('web', { kex: 'mlkem768x25519-sha256' }));
  assert.deepEqual(unsupported, [{ option: 'keyExchange', place: 'config.xml:7', hop: 'web', needed: true }]);
});

test('a port is said to come from the element that has it', () => {
  const config = load(`<ssh config="none"/>
<group port="2022">
  <client name="inner" ip="192.0.2.1"/>
  <client name="own" ip="192.0.2.2" port="33"/>
</group>`);
  const shared = createTransportShared({ config });
  const { file } = config;
  const places = config.clients.map((client) => sources(shared.routeTo(client), 'port').join());
  assert.deepEqual(places, [`port=2022 (${file}:3)`, `port=33 (${file}:5)`]);
});

test('the login name: of the client or its group, then ssh_config, then <ssh>, then the account', () => {
  const file = 'Host web gw\n  User fromssh\nMatch host named user fleet\n  Port 99\n';
  const clients = `<client name="web" proxyJump="gw"/>
<client name="own" username="own"/>
<group username="group"><client name="inner"/></group>
<client name="plain" proxyJump="gw2"/><client name="named"/>`;
  const names = (ssh: string): readonly string[] => {
    const config = load(`<ssh ${ssh} config="ssh_config"/>\n${clients}`, {
      ssh_config: `${file}Host own inner\n  User x\n`,
    });
    const shared = createTransportShared({ config });
    return config.clients.flatMap((client) =>
      shared.routeTo(client).hops.map(({ name, values }) => {
        const { value, source } = values.find((one) => one.name === 'username') ?? { value: '', source: '' };
        return `${name} ${value} ${path.basename(source)}`;
      }),
    );
  };
  const account = userInfo().username;
  const said = ['own own config.xml:4', 'inner group config.xml:5'];
  assert.deepEqual(names('username="fleet"'), [
    ...['gw fromssh ssh_config:2', 'web fromssh ssh_config:2', ...said],
    ...['gw2 fleet config.xml:2', 'plain fleet config.xml:2', 'named fleet config.xml:2'],
  ]);
  assert.deepEqual(names(''), [
    ...['gw fromssh ssh_config:2', 'web fromssh ssh_config:2', ...said],
    ...[`gw2 ${account} default`, `plain ${account} default`, `named ${account} default`],
  ]);
});

test('config.xml wins over ssh_config, attribute by attribute', () => {
  const own = { username: 'own', privateKey: '/own', agent: null, hostKeys: 'strict', knownHosts: '/known' } as const;
  const client = sshClient('web', { ...said(all), ...own }, { address: '10.0.0.1', port: 24 });
  const found = route(client, { explicit: ['collector connectTimeout'] });
  const [hop] = found.hops;
  assert.deepEqual(sources(found, 'ip', 'port', 'username', 'privateKey', 'agent', 'hostKeys', 'knownHosts'), [
    'ip=10.0.0.1 (config.xml:7)',
    'port=24 (config.xml:7)',
    'username=own (config.xml:7)',
    'privateKey=/own (config.xml:7)',
    'agent=none (config.xml:7)',
    'hostKeys=strict (config.xml:7)',
    'knownHosts=/known (config.xml:7)',
  ]);
  assert.equal(hop?.connectTimeoutMs, null);
  // Options that only ssh_config sets still apply.
  assert.deepEqual([hop.knownAs, hop.family], ['alias', 6]);
});

test('key exchanges: those of config.xml, else those of ssh_config, which only OpenSSH may be able to do', () => {
  const names = (text: string, own: Partial<SshSettings> = {}) => {
    const found = route(sshClient('web', { ...said(`Host web\n${text}`), ...own }));
    const needed = found.unsupported.map(({ option, place }) => `${option} ${path.basename(place)}`);
    return [found.hops[0]?.kex, sources(found, 'kex').join(), needed.join()];
  };
  const kex = 'curve25519-sha256';
  assert.deepEqual(names(''), [null, 'kex: nothing', '']);
  assert.deepEqual(names('  KexAlgorithms +*exchange*\n'), ['+*exchange*', 'kex=+*exchange* (config:2)', '']);
  assert.deepEqual(names('  KexAlgorithms -*exchange*\n', { kex }), [kex, `kex=${kex} (config.xml:7)`, '']);
  const foreign = 'mlkem768x25519-sha256';
  assert.deepEqual(names(`  KexAlgorithms ${foreign}\n`), [
    foreign,
    `kex=${foreign} (config:2)`,
    'KexAlgorithms config:2',
  ]);
});

test('a secret is never among the values', () => {
  const password = new Secret({ kind: 'literal', value: 'hush' });
  const found = route(sshClient('web', { password }));
  assert.ok(!JSON.stringify(found).includes('hush'));
  assert.deepEqual(sources(found, 'password'), ['password=set, not shown (config.xml:7)']);
});

test('under which name the host key is known', () => {
  const bastions = [sshBastion('fra', {}, { address: '192.0.2.1', port: 2222 })];
  const knownAs = (client: Client): readonly string[] => route(client, { bastions }).hops.map((hop) => hop.knownAs);
  assert.deepEqual(knownAs(sshClient('web', {}, { address: '10.0.0.1' })), ['10.0.0.1']);
  const behind = sshClient('web', { proxyJump: 'fra' }, { address: '10.0.0.1', port: 24 });
  assert.deepEqual(knownAs(behind), ['[192.0.2.1]:2222', '[web]:24']);
  const noIp = said('Host web\n HostName real\n');
  assert.deepEqual(knownAs(sshClient('web', { ...noIp, proxyJump: 'fra' }, { addressExplicit: false })).at(-1), 'web');
  // A route that is wholly ssh's is checked under the names that ssh uses.
  const ofSsh = said('Host web\n HostName real\n ProxyJump gate\nHost gate\n HostName real-gate\n');
  assert.deepEqual(knownAs(sshClient('web', ofSsh, { addressExplicit: false })), ['real-gate', 'real']);
  assert.deepEqual(knownAs(sshClient('web', { proxyJump: 'fra,x@y' })), ['[192.0.2.1]:2222', 'y', 'web']);
});

const routes: readonly { readonly proxyJump: string; readonly text: string; readonly expected: readonly string[] }[] = [
  { proxyJump: 'fra', text: '', expected: ['fra', 'web'] },
  { proxyJump: 'ams', text: '', expected: ['fra', 'ams', 'web'] },
  { proxyJump: 'ams,fra', text: '', expected: ['fra', 'ams', 'fra', 'web'] },
  { proxyJump: 'gate', text: '', expected: ['fra', 'gate', 'web'] },
  { proxyJump: 'root@gate:23', text: '', expected: ['root@gate:23', 'web'] },
  { proxyJump: 'fra,x@y', text: '', expected: ['fra', 'x@y', 'web'] },
  // Hosts of ssh_config have routes of their own, in which names of config.xml have no meaning.
  { proxyJump: '', text: 'Host web\n ProxyJump one\nHost one\n ProxyJump fra\n', expected: ['fra', 'one', 'web'] },
  {
    proxyJump: '',
    text: 'Host web\n ProxyJump one,two\nHost two\n ProxyJump three\n',
    expected: ['one', 'two', 'web'],
  },
  { proxyJump: '', text: 'ProxyJump none\n', expected: ['web'] },
  { proxyJump: 'fra', text: 'Host web\n ProxyJump one\n', expected: ['fra', 'web'] },
];
for (const { proxyJump, text, expected } of routes) {
  test(`the way of ${JSON.stringify(proxyJump || text)}`, () => {
    const own = { ...said(text), ...(proxyJump === '' ? {} : { proxyJump }) };
    const bastions = [sshBastion('fra', {}), sshBastion('ams', { proxyJump: 'fra' })];
    const clients = [sshClient('gate', { proxyJump: 'fra' })];
    const { hops } = route(sshClient('web', own), { bastions, clients, jumpHosts: { config: null } });
    assert.deepEqual(pluck(hops, 'name'), expected);
    const kinds = expected.map((_, index) => (index === expected.length - 1 ? 'client' : 'bastion'));
    assert.deepEqual(pluck(hops, 'kind'), kinds);
  });
}

test('a way of ssh_config that comes back to itself', async () => {
  const client = sshClient('web', said('Host *\n ProxyJump gate\n'));
  const attempt = Promise.resolve().then(() => route(client));
  await fails(attempt, 'config-invalid', /config:2: proxyJump "gate" comes back to where it began/);
});

test('one machine’s credentials are never another’s', () => {
  const password = new Secret({ kind: 'literal', value: 'hush' });
  const bastions = [sshBastion('fra', { username: 'jump', privateKey: '/jump', agent: '/agent' })];
  const own = { username: 'web', privateKey: '/web', password, proxyJump: 'fra,x@y' };
  const jumpHosts = { config: null, explicit: { privateKey: '' } };
  const { hops } = route(sshClient('web', own), { bastions, jumpHosts });
  assert.deepEqual(
    hops.map(({ username, credentials: { privateKeys, agent, password: secret } }) => ({
      username,
      keys: privateKeys.map((key) => key.path),
      agent,
      hasPassword: secret !== null,
    })),
    [
      { username: 'jump', keys: ['/jump'], agent: '/agent', hasPassword: false },
      { username: 'x', keys: [], agent: null, hasPassword: false },
      { username: 'web', keys: ['/web'], agent: null, hasPassword: true },
    ],
  );
});

const nothingElse = 'there is no private key, password or ssh-agent';
const beyond: readonly {
  readonly text: string;
  readonly own: Partial<SshSettings>;
  readonly expected: readonly string[];
}[] = [
  { text: 'ProxyCommand nc %h %p', own: {}, expected: ['ProxyCommand'] },
  { text: 'ProxyCommand none', own: {}, expected: [] },
  { text: 'ProxyCommand nc %h %p', own: { proxyJump: 'fra' }, expected: [] },
  { text: 'BindAddress 10.0.0.1', own: { privateKey: '/own' }, expected: ['BindAddress'] },
  { text: 'CertificateFile /c', own: {}, expected: ['CertificateFile'] },
  { text: 'CertificateFile /c', own: { privateKey: '/own' }, expected: [] },
  { text: 'GSSAPIAuthentication yes', own: { privateKey: '/own' }, expected: [] },
  { text: 'GSSAPIAuthentication yes\nIdentityFile none', own: {}, expected: [`GSSAPIAuthentication (${nothingElse})`] },
];
for (const { text, own, expected } of beyond) {
  test(`what ssh2 cannot do: ${text} beside ${JSON.stringify(own)}`, () => {
    const { unsupported } = route(sshClient('web', { ...said(text), ...own }), { bastions: [sshBastion('fra', {})] });
    assert.deepEqual(pluck(unsupported, 'option'), expected);
    assert.ok(unsupported.every(({ place, needed, hop }) => place === `${config}:1` && needed && hop === 'web'));
  });
}

test('a missing key is not called a GSSAPI problem where keys are looked for', () => {
  const { unsupported } = route(sshClient('web', said(`GSSAPIAuthentication yes\nIdentityFile ${dir}/no-key`)));
  assert.deepEqual(unsupported, [
    { option: `GSSAPIAuthentication (${nothingElse})`, place: `${config}:1`, hop: 'web', needed: false },
  ]);
});

test('a machine that proxyJump names is a host of ssh_config, whose remarks are told once for all machines', () => {
  const { notes, hops } = route(sshClient('web', { ...said('StrictHostKeyChecking no\n'), proxyJump: 'x@gate' }), {
    jumpHosts: said('StrictHostKeyChecking no\n'),
  });
  assert.deepEqual(notes, [`${config}:1: StrictHostKeyChecking no would take any key; the check stays strict`]);
  assert.deepEqual(pluck(hops, 'name'), ['x@gate', 'web']);
  const [gate] = route(sshClient('web', { proxyJump: 'x@gate' })).hops;
  assert.deepEqual(gate?.sshConfig.files, [`${userInfo().homedir}/.ssh/config`, '/etc/ssh/ssh_config']);
});

test('a ProxyCommand counts after ProxyJump none, as in ssh', () => {
  const { unsupported } = route(sshClient('web', said('ProxyJump none\nProxyCommand nc %h %p')));
  assert.deepEqual(unsupported, [{ option: 'ProxyCommand', place: `${config}:2`, hop: 'web', needed: true }]);
});

for (const name of ['hardware', 'hardware.pub']) {
  test(`a key that is on a security key, ${name}, is OpenSSH’s to use`, () => {
    writeFileSync(path.join(dir, 'hardware.pub'), 'sk-ssh-ed25519@openssh.com AAAA me\n');
    const privateKey = path.join(dir, name);
    const { unsupported } = route(sshClient('web', { privateKey }));
    assert.deepEqual(unsupported, [
      { option: `a security key (${privateKey})`, place: 'config.xml:7', hop: 'web', needed: false },
    ]);
  });
}

test('a certificate beside the key is OpenSSH’s to use, and ssh2 goes on without', () => {
  const privateKey = path.join(dir, 'key');
  for (const name of [privateKey, `${privateKey}-cert.pub`]) writeFileSync(name, '');
  const { unsupported } = route(sshClient('web', { privateKey }));
  assert.deepEqual(unsupported, [
    { option: `the certificate beside a key (${privateKey})`, place: 'config.xml:7', hop: 'web', needed: false },
  ]);
});

test('the machines before a client, as a proxyJump names them', () => {
  const before = (text: string, machines: Machines = {}): readonly string[] =>
    sharedFor(machines).jumpsTo(sshClient('web', said(text), { addressExplicit: false }));
  assert.deepEqual(before('Host web\n  ProxyJump ops@gate:2222,fra\n'), ['ops@gate:2222', 'fra']);
  assert.deepEqual(before('Host other\n  ProxyJump gate\n'), []);
  assert.deepEqual(before('Fooo bar\n'), []);
  assert.deepEqual(before('Host *\n  ProxyJump gate\n'), [], 'a way that comes back to itself');
  const bastions = [sshBastion('fra', { proxyJump: 'ber' }), sshBastion('ber', {})];
  assert.deepEqual(sharedFor({ bastions }).jumpsTo(sshClient('web', { proxyJump: 'fra' })), ['ber', 'fra']);
  assert.deepEqual(sharedFor({ bastions }).jumpsTo(sshClient('web', {})), []);
});
