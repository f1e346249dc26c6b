import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { packageDir } from '../../../src/state-folder/paths.ts';
import { exits, outcomeOf, runCli, startCli, succeeded } from '../../support/programs/run-cli.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const table = 'name,ip,user,group\nweb-1,192.0.2.1,ops,web\nweb-2,192.0.2.2,ops,web\n';

function list(t: TestContext, text = table) {
  const folder = tempFolder(t);
  const file = path.join(folder, 'list.csv');
  writeFileSync(file, text);
  return { folder, file, out: path.join(folder, 'clients.xml') };
}

test('import -o writes a file that config.xml includes, and check accepts', async (t) => {
  const { folder, file, out } = list(t);
  const said = await succeeded(runCli(['import', 'csv', file, '-o', out], { cwd: folder }));
  assert.match(said, /^2 clients written to .*clients\.xml\.\nPut <include file=".*clients\.xml"\/> into config\.xml/);
  const config = path.join(folder, 'config.xml');
  writeFileSync(config, '<config><include file="clients.xml"/><alerts mail="ops@example.org"/></config>', {
    mode: 0o600,
  });
  assert.match(await succeeded(runCli(['-c', config, 'check'])), /2 clients/);
});

test('import leaves a file alone that exists', async (t) => {
  const { file, out } = list(t);
  writeFileSync(out, 'mine');
  const says = /exists, and is left as it is \(usage\)\. See what is new in it: --update /;
  await exits(2, runCli(['import', 'csv', file, '-o', out]), says);
  assert.equal(readFileSync(out, 'utf8'), 'mine');
});

test('import --update says what is new, gone and changed, and writes nothing', async (t) => {
  const { file, out } = list(t);
  await succeeded(runCli(['import', 'csv', file, '-o', out]));
  const before = readFileSync(out, 'utf8');
  assert.match(await succeeded(runCli(['import', 'csv', file, '--update', out])), /has the same clients\.\n$/);
  writeFileSync(file, 'name,ip,user,group\nweb-1,192.0.2.7,ops,web\nweb-3,192.0.2.3,ops,db\n');
  assert.equal(
    await succeeded(runCli(['import', 'csv', file, '--update', out])),
    `changed: web-1: ip 192.0.2.1 -> 192.0.2.7
gone: web-2
new:
  <group name="db">
    <client name="web-3" ip="192.0.2.3" username="ops"/>
  </group>
`,
  );
  const json = JSON.parse(await succeeded(runCli(['--json', 'import', 'csv', file, '--update', out]))) as {
    readonly new: readonly { readonly name: string }[];
    readonly gone: readonly string[];
    readonly changed: readonly object[];
  };
  assert.deepEqual([json.new.map(({ name }) => name), json.gone], [['web-3'], ['web-2']]);
  assert.deepEqual(json.changed, [{ name: 'web-1', what: 'ip', from: '192.0.2.1', to: '192.0.2.7' }]);
  assert.equal(readFileSync(out, 'utf8'), before);
});

test('import --update takes a written default for no change', async (t) => {
  const { file, out } = list(t, 'name,port\nweb-1,22\nweb-2,\n');
  writeFileSync(out, '<config><client ip="web-1"/><client ip="web-2" port="22" proxyJump="none"/></config>');
  assert.match(await succeeded(runCli(['import', 'csv', file, '--update', out])), /has the same clients\.\n$/);
});

test('import ansible says where it could make no folder', async (t) => {
  const { folder } = list(t);
  const env = { TMPDIR: path.join(folder, 'none') };
  const says = /no folder can be made in .*none: ENOENT.*\(import-unreadable\)\. Set TMPDIR to a folder/;
  await exits(2, runCli(['import', 'ansible', '/etc/hosts'], { env }), says);
});

test('import --update knows ranges that a person wrote', async (t) => {
  const { file, out } = list(t, 'name\nweb-01\nweb-02\nweb-03\n');
  writeFileSync(out, '<config><client ip="web-[01-02]"/></config>');
  assert.equal(await succeeded(runCli(['import', 'csv', file, '--update', out])), 'new:\n  <client name="web-03"/>\n');
});

test('import reads standard input, and names on stderr what it leaves out', async () => {
  const child = startCli(['import', 'csv'], { stdin: 'pipe' });
  child.stdin?.end('name\nweb-1\n"\u001b[31mred"\n');
  const { status, stdout, stderr } = await outcomeOf(child);
  assert.deepEqual([status, stdout], [0, '<client name="web-1"/>\n']);
  assert.match(stderr, /^left out: line 3: its name holds control characters\n$/);
  assert.equal(stderr.includes('\u001b'), false);
});

/** Writes the programs of Ansible for PATH. Returns the variables of a run that finds them. */
function ansibleInventory(folder: string, script: string, settings = '[]'): Readonly<Record<string, string>> {
  writeFileSync(path.join(folder, 'ansible-config'), `#!/bin/sh\necho '${settings}'\n`, { mode: 0o755 });
  writeFileSync(path.join(folder, 'ansible-inventory'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${folder}:/usr/bin:/bin` };
}

test('import ansible shows the warnings of Ansible', async (t) => {
  const { folder } = list(t);
  const json = '{"_meta":{"hostvars":{"a":{}}}}';
  const env = ansibleInventory(
    folder,
    `printf '[WARNING]: Found both\\n  a and b\\n[WARNING]: c\\n' >&2; echo '${json}'`,
  );
  const { status, stdout, stderr } = await runCli(['import', 'ansible', '/etc/hosts'], { env });
  assert.deepEqual([status, stdout], [0, '<client name="a"/>\n']);
  assert.equal(
    stderr,
    'left out: ansible-inventory: [WARNING]: Found both a and b\nleft out: ansible-inventory: [WARNING]: c\n',
  );
  const said = JSON.parse(await succeeded(runCli(['--json', 'import', 'ansible', '/etc/hosts'], { env }))) as {
    readonly skipped: readonly { readonly where: string; readonly why: string }[];
  };
  assert.deepEqual(said.skipped[1], { where: 'ansible-inventory', why: '[WARNING]: c' });
});

test('import ansible takes the login of ansible.cfg where a machine has none', async (t) => {
  const { folder } = list(t);
  const origin = '/etc/ansible/ansible.cfg';
  const settings = {
    remote_user: 'deploy',
    port: 2200,
    private_key_file: 'keys/k',
    ssh_args: '-J j',
    pipelining: true,
  };
  const ssh = Object.entries(settings).map(([name, value]) => ({ name, value, origin }));
  const json = JSON.stringify({ _meta: { hostvars: { a: {}, b: { ansible_ssh_user: 'ops', ansible_port: 22 } } } });
  const env = ansibleInventory(folder, `echo '${json}'`, JSON.stringify([{ ssh }]));
  const { stdout, stderr } = await runCli(['import', 'ansible', '/etc/hosts'], { env });
  const shared = 'privateKey="/etc/ansible/keys/k" proxyJump="j"';
  assert.equal(
    stdout,
    `<client name="a" port="2200" username="deploy" ${shared}/>\n<client name="b" port="22" username="ops" ${shared}/>\n`,
  );
  assert.equal(stderr, 'left out: ansible.cfg: pipelining: not taken from any machine\n');
});

test('import ansible passes a list of names on as it is, and any other inventory as a path', async (t) => {
  const { folder } = list(t);
  const env = ansibleInventory(
    folder,
    `case "$3" in web-1,web-2,) n=names;; ${folder}/a,b) n=path;; esac; printf '{"_meta":{"hostvars":{"%s":{}}}}' $n`,
  );
  writeFileSync(path.join(folder, 'a,b'), '');
  for (const [given, name] of [
    ['web-1,web-2,', 'names'],
    ['a,b', 'path'],
  ] as const) {
    const said = await succeeded(runCli(['import', 'ansible', given], { env, cwd: folder }));
    assert.equal(said, `<client name="${name}"/>\n`);
  }
});

test('import ansible reads all files of a folder or none', async (t) => {
  const { folder } = list(t);
  // Without the variable, Ansible warns of a file that it cannot parse, and ends with 0.
  const says = `printf '[WARNING]: no yaml\\n plugin\\nERROR! Completely failed to parse bad.yml\\n' >&2`;
  const env = ansibleInventory(
    folder,
    `test "$ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED" = 1 && { ${says}; exit 1; }; echo '{"_meta":{}}'`,
  );
  await exits(
    2,
    runCli(['import', 'ansible', folder], { env }),
    /failed: ERROR! Completely failed to parse bad\.yml \[WARNING\]: no yaml plugin \(import-unreadable\)/,
  );
});

const table1252 = Buffer.from('name;ip;group\nweb-1;192.0.2.1;K\xf6ln\n', 'latin1');
const tables: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['UTF-8', Buffer.from('name;ip;group\nweb-1;192.0.2.1;Köln\n')],
  ['Windows-1252', table1252],
  ['UTF-16 of a spreadsheet', Buffer.from('\ufeffname;ip;group\r\nweb-1;192.0.2.1;Köln\r\n', 'utf16le')],
  ['UTF-16 with the high byte first', Buffer.from('\ufeffname;ip;group\nweb-1;192.0.2.1;Köln\n', 'utf16le').swap16()],
];
for (const [what, bytes] of tables) {
  test(`import reads a table in ${what}`, async (t) => {
    const { file } = list(t);
    writeFileSync(file, bytes);
    const said = await succeeded(runCli(['import', 'csv', file]));
    assert.equal(said, '<group name="Köln">\n  <client name="web-1" ip="192.0.2.1"/>\n</group>\n');
  });
}

const wrong: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [
    ['ansibel', 'x'],
    /'ansibel' is invalid for argument 'kind'\. Allowed choices are ansible, nagios, ssh-config, known-hosts, csv, hosts, http-sd, prometheus, pattoo/,
  ],
  [['csv', '/nowhere/list.csv'], /\/nowhere\/list\.csv cannot be read: it does not exist \(import-unreadable\)/],
  [
    ['http-sd', '/etc/hosts'],
    /\/etc\/hosts: it is no list of targets; it looks like a hosts file \(import-unreadable\)\. Import it as such: fleet-health import hosts /,
  ],
  [
    ['known-hosts', path.join(packageDir, 'package.json')],
    /names no machine that can be visited \(line 1: [^;]*;.*; and \d+ further reasons\); it looks like JSON \(import-/,
  ],
  [['csv', '/dev/null'], /\/dev\/null: there is no line in it \(import-unreadable\)/],
  [['csv', 'x', '-o', 'a', '--update', 'b'], /cannot be used with/],
];
for (const [args, says] of wrong) {
  test(`import ${args.join(' ')} says what is wrong`, async () => {
    await exits(2, runCli(['import', ...args]), says);
  });
}
