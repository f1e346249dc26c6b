import assert from 'node:assert/strict';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { startSmtpServer, type SmtpAct, type SmtpMoment } from '../../support/servers/smtp-server.ts';
import { openReceiver } from '../../support/servers/http-receiver.ts';
import { makeInventoriedIn } from '../../support/clients/inventoried.ts';
import { startLoopbackFleet } from '../../support/fleets/loopback-fleet.ts';
import { configFolder, exits, runCli, succeeded, type CliResult } from '../../support/programs/run-cli.ts';
import { pluck, pluckAll } from '../../support/pluck.ts';

interface CheckJson {
  readonly valid: boolean;
  readonly clients: number | null;
  readonly faults: readonly { readonly line: number | null; readonly message: string }[];
  readonly warnings: readonly { readonly message: string }[];
  readonly defaults: readonly { readonly where: string; readonly name: string; readonly value: string }[];
  readonly rules: readonly { readonly rule: string; readonly limit_text: string; readonly clients: number }[];
  readonly connections?: readonly {
    readonly what: string;
    readonly ok: boolean;
    readonly code: string | null;
    readonly greeting?: string | null;
  }[];
}

const parse = ({ stdout }: CliResult): CheckJson => JSON.parse(stdout) as CheckJson;

function check(t: TestContext, content: string, ...args: string[]): Promise<CliResult> {
  const dir = configFolder(t, content);
  return runCli(['check', ...args], { cwd: dir });
}

test('a valid file: the verdict comes last, defaults with --defaults, exit status 0', async (t) => {
  const content = '<config><collector every="10m"/><client ip="192.0.2.1"/><client ip="192.0.2.2"/></config>';
  assert.doesNotMatch((await check(t, content)).stdout, /concurrency/);
  const stdout = await succeeded(check(t, content, '--defaults'));
  assert.match(stdout, /collector +concurrency +128/);
  assert.doesNotMatch(stdout, /collector +every/);
  assert.match(stdout, /config\.xml is valid: 2 clients, \d warnings?\.\n$/);
  const json = parse(await check(t, content, '--json'));
  assert.deepEqual([json.valid, json.clients, json.faults], [true, 2, []]);
  const hostKeys = json.defaults.filter(({ name }) => name === 'hostKeys');
  assert.deepEqual(pluck(hostKeys, 'where'), ['ssh']);
});

test('check prints the for of each rule that is written', async (t) => {
  const alerts = '<alert type="memory" limit="10%"/><alert type="cpu" limit="95%" for="15m"/>';
  const content = `<config><alerts mail="a@b.example"/><client ip="192.0.2.1">${alerts}</client><client ip="192.0.2.2">${alerts}</client></config>`;
  const stdout = await succeeded(check(t, content));
  assert.match(stdout, /^memory +critical 10%, for 1x +2$/m);
  assert.match(stdout, /^cpu +critical 95%, for 15m +2$/m);
  const { rules } = parse(await check(t, content, '--json'));
  assert.deepEqual(rules[1], { rule: 'cpu', limit_text: 'critical 95%, for 15m', clients: 2 });
});

test('all faults at once, each with its line, exit status 2', async (t) => {
  const content = `<config>
  <collector evry="5m"/>
  <client ip="192.0.2.1" port="70000"/>
  <client username="neither-ip-nor-name"/>
</config>`;
  const { status, stdout, stderr } = await check(t, content);
  assert.deepEqual([status, stderr], [2, '']);
  for (const line of [2, 3, 4]) assert.match(stdout, new RegExp(`^fault: config\\.xml:${line}: `, 'm'));
  assert.match(stdout, /every/);
  const json = parse(await check(t, content, '--json'));
  assert.equal(json.valid, false);
  assert.deepEqual(pluck(json.faults, 'line'), [2, 3, 4]);
});

test('a file that others can read, with a password in it, is refused with the command that mends it', async (t) => {
  const dir = configFolder(t, '<config><client ip="192.0.2.1" username="u" password="hidden"/></config>');
  chmodSync(path.join(dir, 'config.xml'), 0o644);
  const { stdout } = await exits(2, runCli(['check'], { cwd: dir }), { stdout: /chmod 6[04]0 / });
  assert.ok(!stdout.includes('hidden'));
});

test('a missing file is one line and exit status 2', async () => {
  const { status, stdout, stderr } = await runCli(['-c', '/nowhere/config.xml', 'check']);
  assert.deepEqual([status, stdout], [2, '']);
  assert.match(
    stderr,
    /^fleet-health: .*\/nowhere\/config\.xml.* \(config-missing\)\. .*`fleet-health init`.* \/etc\/fleet-health\/config\.xml.*\n$/,
  );
});

test('$FLEET_HEALTH_CONFIG names the file, and -c goes before it', async (t) => {
  const dir = configFolder(t, '<config><client ip="192.0.2.1"/></config>');
  const env = { FLEET_HEALTH_CONFIG: path.join(dir, 'config.xml') };
  assert.equal((await runCli(['check'], { env, cwd: '/' })).status, 0);
  assert.equal((await runCli(['check', '-c', '/nowhere/config.xml'], { env, cwd: '/' })).status, 2);
});

test('--connect tries every login, the database and the mail server, and says which are well', async (t) => {
  const fleet = await startLoopbackFleet(t, 3, { trusted: true });
  await fleet.servers[1]?.close();
  fleet.configure('<smtp host="127.0.0.1" port="1" security="none" from="a@example.org"/>');
  const result = await fleet.run(['check', '--connect', '--json']);
  assert.equal(result.status, 1);
  const trials = parse(result).connections?.map(
    ({ what, ok, code }) => `${what} ${ok ? 'ok' : 'failed'} ${code ?? '-'}`,
  );
  const servers = ['state folder ok -', 'database ok -', 'mail server failed mail-unavailable'];
  assert.deepEqual(trials, [...servers, 'c1 ok -', 'c2 failed connect-refused', 'c3 ok -']);
  assert.equal(fleet.servers[0]?.execs(), 0, 'nothing is to be run');
  const { stdout } = await fleet.run(['check', '--connect']);
  assert.match(stdout, /failed: client c2: .* \(connect-refused\)\. /);
  assert.match(
    stdout,
    /\nFailed: mail server, 1 of 3 logins\. Works: state folder, database, 2 of 3 logins\.\n.*config\.xml is valid: 3 clients, \d warnings?\.\n$/,
  );
});

test('--connect: a wrong password, an unknown host key and a database that is away', async (t) => {
  const fleet = await startLoopbackFleet(t, 1, { trusted: true });
  const unknown = await startLoopbackFleet(t, 1, { trusted: false });
  fleet.configure(`<client name="other" ip="127.0.0.1" port="${unknown.servers[0]?.port ?? 0}"/>`);
  fleet.configure('<storage url="mysql://nobody@127.0.0.1:1/fleet" password="x"/>');
  const file = path.join(fleet.dir, 'config.xml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('a secret word', 'a wrong word'));
  const result = await fleet.run(['check', '--connect', '--json']);
  assert.equal(result.status, 3);
  const trials = parse(result).connections?.map(({ what, code }) => `${what} ${code ?? '-'}`);
  const expected = ['state folder -', 'database storage-unavailable', 'c1 auth-failed', 'other host-key-unknown'];
  assert.deepEqual(trials, expected);
  assert.ok(!result.stdout.includes('a wrong word'));
});

test('--connect names the rules whose mounts nobody has', async (t) => {
  const fleet = await startLoopbackFleet(t, 1, { trusted: true });
  fleet.configure(`<alerts><mail to="a@example.org"/>
    <alert type="disk" mount="/,/home" limit="100%"/>
    <alert type="disk" mount="/no/such/*" limit="90%"/>
    <alert type="mount" mount="/no/such"/>
  </alerts>`);
  await makeInventoriedIn(path.join(fleet.dir, 'state'), 'c1');
  await fleet.run(['-q', 'collect']);
  const { stdout, status } = await fleet.run(['check', '--connect']);
  assert.equal(status, 0, stdout);
  const warnings = stdout.split('\n').filter((line) => line.includes('matches no mount'));
  assert.deepEqual(warnings, ['warning: line 6: disk mount=/no/such/* (1 client) matches no mount stored so far']);
});

test('--mail sends a test mail the way alerts go, without any login', async (t) => {
  const client = '<client name="c" ip="192.0.2.1" transport="local"/>';
  const dir = configFolder(t, `<config><alerts><mail to="ops@example.org"/></alerts>${client}</config>`);
  const first = await succeeded(runCli(['-q', 'check', '--mail'], { cwd: dir }));
  assert.match(first, /^A test mail to ops@example\.org was written to a file, not sent, in .*outbox\.$/m);
  const outbox = path.join(dir, 'state', 'outbox');
  const [file = ''] = readdirSync(outbox);
  assert.match(readFileSync(path.join(outbox, file), 'utf8'), /^To: ops@example\.org\r$/m);
  const named = await runCli(['-q', 'check', '--mail', 'me@example.org'], { cwd: dir });
  assert.match(named.stdout, /^A test mail to me@example\.org /m);
  await exits(2, runCli(['check', '--mail', 'me'], { cwd: dir }), /me is no mail address \(usage\)/);
});

test('--webhook posts a test message, --connect connects and posts nothing, and neither says the URL', async (t) => {
  const receiver = await openReceiver(t);
  const { port } = receiver;
  const hook = (name: string, where: string): string => `<webhook name="${name}" url="${where}/T0KEN"/>`;
  const hooks = `${hook('chat', receiver.origin)}${hook('gone', 'http://127.0.0.1:1')}`;
  const client = '<client name="c" ip="192.0.2.1" transport="local"/>';
  const dir = configFolder(t, `<config><alerts>${hooks}</alerts>${client}</config>`);
  chmodSync(path.join(dir, 'config.xml'), 0o600);
  const first = await runCli(['check', '--webhook', 'chat'], { cwd: dir });
  assert.match(first.stdout, /^A test message was taken by webhook chat\.$/m);
  assert.match(first.stdout, /^webhook:chat +warning /m);
  assert.equal(receiver.received[0]?.path, '/T0KEN');
  assert.match(receiver.received[0].body, /"status":"resolved".*"alertname":"test"/);
  const connected = await runCli(['--json', 'check', '--connect'], { cwd: dir });
  const trials = parse(connected).connections?.filter(({ what }) => what.startsWith('webhook'));
  assert.deepEqual(pluckAll(trials ?? [], 'what', 'ok', 'code'), [
    ['webhook chat', true, null],
    ['webhook gone', false, 'mail-unavailable'],
  ]);
  assert.equal(receiver.received.length, 1);
  receiver.act(({ path: asked }) => ({ status: 403, body: `not ${asked}` }));
  const refused = await runCli(['check', '--webhook', 'chat'], { cwd: dir });
  assert.equal(refused.status, 1);
  assert.match(refused.stdout, /failed: test message to webhook chat: webhook chat: status 403: not /);
  for (const { stdout, stderr } of [first, connected, refused]) {
    assert.doesNotMatch(stdout + stderr, new RegExp(`T0KEN|${port}`));
  }
  const unknown = ['check', '--webhook', 'none'];
  await exits(2, runCli(unknown, { cwd: dir }), /has no webhook none \(usage\).*There is chat, gone\./);
});

test('a mail server that is away is exit status 1', async (t) => {
  const smtp = '<smtp host="127.0.0.1" port="1" security="none" from="a@example.org"/>';
  const dir = configFolder(t, `<config>${smtp}<client ip="192.0.2.1"/></config>`);
  const { status, stdout } = await runCli(['--json', 'check', '--mail', 'me@example.org'], { cwd: dir });
  assert.equal(status, 1);
  const { connections } = JSON.parse(stdout) as { connections: Record<string, unknown>[] };
  const trial = ['test mail to me@example.org', 'mail', false, 'mail-unavailable'];
  assert.deepEqual(pluckAll(connections, 'what', 'kind', 'ok', 'code'), [trial]);
});

test('check CLIENT: every machine on the way, each value with its place, and what is not followed', async (t) => {
  const content = `<config><ssh username="u" config="ssh_config"/>
<bastion name="fra" ip="192.0.2.1" privateKey="/k"/>
<client name="web" proxyJump="fra"/>
<client name="db" ip="192.0.2.2" password="hush"/></config>`;
  const dir = configFolder(t, content);
  const file = path.join(dir, 'ssh_config');
  const db = 'Host db\n  ProxyCommand nc\n  ForwardAgent yes\n  Frobnicate 1\n  StrictHostKeyChecking no\n';
  writeFileSync(file, `Host web\n  HostName real.example\n  Port 99\n${db}Host web\n  IdentityFile /no/key\n`);
  const shown = await succeeded(runCli(['check', 'web', 'db'], { cwd: dir }));
  assert.match(shown, /^client web: fra -> web$/m);
  assert.match(shown, /^fra +ip +\S*config\.xml:2 +192\.0\.2\.1$/m);
  assert.match(shown, /^web +ip +\S*ssh_config:2 +real\.example$/m);
  assert.match(shown, /^ +port +\S*ssh_config:3 +99$/m);
  assert.match(shown, /ssh_config:5: ProxyCommand of db: only OpenSSH can do it/);
  assert.match(shown, /ssh_config:6: ForwardAgent of db is not followed$/m);
  assert.match(shown, /ssh_config:7: db has an option that ssh does not know$/m);
  assert.match(shown, /ssh_config:8: StrictHostKeyChecking no would take any key; the check stays strict$/m);
  assert.doesNotMatch(shown, /hush/);

  const all = await runCli(['check'], { cwd: dir });
  const unreachable = /^warning: \S*config\.xml:4: client "db" cannot be reached: \S*ssh_config:5: ProxyCommand /m;
  assert.match(all.stdout, unreachable);
  assert.match(all.stdout, /client "web" cannot be reached: no private key: looked for \/no\/key\. Make one with ssh-/);

  const json = JSON.parse((await runCli(['check', 'web', '--json'], { cwd: dir })).stdout) as {
    readonly clients: readonly { readonly client: string; readonly hops: readonly { readonly kind: string }[] }[];
  };
  const ways = json.clients.map(({ client, hops }) => [client, hops.map(({ kind }) => kind)]);
  assert.deepEqual(ways, [['web', ['bastion', 'client']]]);
  assert.equal((await runCli(['check', 'web', '--connect'], { cwd: dir })).status, 2);
  assert.equal((await runCli(['check', 'wbe'], { cwd: dir })).status, 2);
  writeFileSync(file, 'Host web\n  Port many\n');
  const noPort = /client web: \S*ssh_config:2: Port is no port number \(config-invalid\)/;
  await exits(2, runCli(['check', 'web'], { cwd: dir }), { stdout: noPort });
  const json2 = await runCli(['check', '--json'], { cwd: dir });
  assert.match(
    json2.stdout,
    /"clients \\"web\\", \\"db\\" cannot be reached: [^"]*ssh_config:2: Port is no port number"/,
  );
  assert.equal(json2.status, 0);
});

test('check names a proxyJump that may be misspelt, and an address that cannot be reached', async (t) => {
  const dir = configFolder(
    t,
    `<config><ssh config="none" password="x"/><client name="gateway" ip="192.0.2.1"/>
  <client name="a" ip="192.0.2.2" proxyJump="gatewy"/>
  <client name="b" ip="192.0.2.3" proxyJump="gateway"/>
  <client name="c" ip="192.0.2.4" proxyJump="gate.example.org"/>
  <client name="d" ip="fe80::1"/>
  <client name="edge:2222"/></config>`,
  );
  const said = await succeeded(runCli(['check'], { cwd: dir }));
  assert.deepEqual(said.match(/config\.xml:\d: (?:proxyJump|client "(?:[a-d]|edge.*)").*$/gm), [
    'config.xml:5: client "d" cannot be reached: fe80::1 is a link-local address, which names no interface. Write it ' +
      'with the interface of this machine, as fe80::1%eth0.',
    'config.xml:6: client "edge:2222" cannot be reached: "edge:2222" is no host name; write the port as port="..."',
    'config.xml:2: proxyJump="gatewy" names no bastion, client or Host of ssh_config; did you mean "gateway"?',
  ]);
});

/** Attributes of five clients that fail alike, and the fact that each of them shows. */
const alikeFaults = [
  ['', 'no private key: looked for '],
  [
    'privateKey="none" ',
    'there is no password, private key or ssh-agent',
    'neither password nor privateKey nor agent ',
  ],
  ['privateKey="/no/key" ', '/no/key'],
  ['username="u" password="x" ', 'nothing listens on their ports'],
] as const;
for (const [attributes, ...facts] of alikeFaults) {
  test(`the fact of five clients with ${attributes || 'nothing '}stands once, with a command to type`, async (t) => {
    const home = configFolder(t, '<config/>');
    const clients = `<client name="web-[1-5]" ip="127.0.0.[1-5]" port="1" ${attributes}/>`;
    const dir = configFolder(t, `<config><ssh config="none"/>${clients}</config>`);
    for (const args of [['check'], ['check', '--connect']]) {
      const { stdout } = await runCli(args, { cwd: dir, env: { HOME: home } });
      const told = stdout.split('\n').filter((line) => facts.some((fact) => line.includes(fact)));
      const isUntold = args.length === 1 && attributes.includes('password=');
      assert.equal(told.length, isUntold ? 0 : 1, stdout);
      if (args.length === 1) continue;
      assert.match(stdout, /^Failed: 5 of 5 logins\. Works: state folder, database\.$/m);
      assert.match(told[0] ?? '', /^failed: 5 clients \(web-1, web-2, web-3, web-4, web-5\): /);
      assert.match(told[0] ?? '', /(?:fleet-health (?:trust|check|authorize) web-1|ssh-keygen (?:-t|-f) \S+)/);
    }
  });
}

test('--connect and --mail print the name by which the mail server is greeted, also if it refuses that', async (t) => {
  const act = ({ phase }: SmtpMoment): SmtpAct | undefined =>
    phase === 'rcpt' ? '554 5.7.1 <out.example.net>: Helo command rejected: Access denied' : undefined;
  const server = await startSmtpServer({ act });
  t.after(() => server.stop());
  const smtp = `<smtp host="127.0.0.1" port="${server.port}" from="fleet@example.org" helo="out.example.net"/>`;
  const content = `<config>${smtp}<alerts mail="ops@example.org"/><client ip="192.0.2.1" state="retired"/></config>`;
  const line = /^The mail server is greeted as out\.example\.net \(helo of <smtp>\)\.$/m;
  assert.match((await check(t, content, '--connect')).stdout, line);
  const { stdout } = await check(t, content, '--mail');
  assert.match(stdout, line);
  assert.match(stdout, /^failed: .*Helo command rejected.* greeted it as out\.example\.net.*helo="/m);
  const { connections = [] } = parse(await check(t, content, '--mail', '--json'));
  assert.deepEqual(pluck(connections, 'greeting'), ['out.example.net']);
});

test('a greeting without a domain is a fault, with what would be right', async (t) => {
  for (const helo of ['mon1', 'localhost', '[127.0.0.1]', 'mon_1.example.org', '10.example.1', 'mon1 example.org']) {
    const smtp = `<smtp host="mail.example.org" from="fleet@example.org" helo="${helo}"/>`;
    const { status, stdout } = await check(t, `<config>${smtp}<client ip="192.0.2.1"/></config>`);
    assert.equal(status, 2, helo);
    assert.match(stdout, /^fault: config\.xml:1: .*helo/m);
  }
});
