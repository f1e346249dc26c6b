/** Clients that push through a stock sshd with a forced command, with the built program. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';

import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { keyIdOf } from '../../src/report/seal/sealed-message.ts';
import { noOtherAccount } from '../support/programs/accounts.ts';
import { skipUnlessWide } from '../support/long-tests.ts';
import { acknowledgedIn, pushedStream } from '../support/clients/pushed-stream.ts';
import { agentProgram } from '../support/programs/installed.ts';
import { outcomeOf, program, runBuilt, succeeded, type CliResult } from '../support/programs/run-cli.ts';
import { sealedSample, type SealedSample } from '../support/clients/sealed-report.ts';
import { sshdMissing, sshKeygen, startSshd, type Sshd, type SshdAccount } from '../support/ssh/sshd.ts';

interface AgentJson {
  readonly client: string;
  readonly collector: string;
  readonly publicKey: string;
  readonly pushKey: string;
  readonly push: { readonly to: string; readonly every: string };
}

suite('push by ssh', { skip: sshdMissing() ?? noOtherAccount }, () => {
  let sshd: Sshd;
  let account: SshdAccount;
  let dir = '';
  let node = '';
  const keys: Record<string, string> = {};
  const settings = (): string => path.join(dir, 'config.xml');
  const state = (...names: readonly string[]): string => path.join(dir, 'state', ...names);
  const run = (...args: readonly string[]): Promise<CliResult> =>
    runBuilt(['-c', settings(), ...args], { uid: account.uid, node, env: { HOME: account.home } });
  const enroll = async (...more: readonly string[]): Promise<AgentJson> =>
    JSON.parse(await succeeded(run('enroll', 'laptop-1', ...more))) as AgentJson;

  before(async () => {
    sshd = await startSshd();
    account = await sshd.addAccount();
    dir = path.join(account.home, 'collector');
    // A copy, because the account may have no access to this process's own node.
    node = path.join(account.home, 'node');
    copyFileSync(process.execPath, node);
    mkdirSync(dir);
    const clients = ['laptop-1', 'laptop-2'].map((name) => `<client name="${name}" transport="push"/>`);
    writeFileSync(
      settings(),
      `<config><serve><push/></serve><alerts mail="ops@example.org"/>${clients.join('')}<client name="web-1" ` +
        'ip="192.0.2.1"/></config>',
    );
    chmodSync(settings(), 0o600);
    execFileSync('chown', ['-R', String(account.uid), dir]);
    const lines = ['laptop-1', 'laptop-2', 'web-1'].map((name) => {
      const { privateKey, publicKey } = sshKeygen(path.join(sshd.dir, name), '-t', 'ed25519');
      keys[name] = privateKey;
      return `restrict,command="${node} ${program} -c ${settings()} receive ${name}" ${publicKey}\n`;
    });
    writeFileSync(path.join(sshd.dir, 'authorized_keys', account.name), lines.join(''), { mode: 0o644 });
    writeFileSync(path.join(sshd.dir, 'known'), `${sshd.hostKeyLine()}\n`);
  });

  after(() => sshd.stop());

  const sshArgs = (name: string): readonly string[] => [
    ...['-T', '-F', 'none', '-i', keys[name] ?? '', '-p', String(sshd.port)],
    ...['-o', `UserKnownHostsFile=${path.join(sshd.dir, 'known')}`, '-o', 'BatchMode=yes'],
    `${account.name}@127.0.0.1`,
  ];
  const push = (name: string, input: Buffer): { status: number | null; answer: Buffer; said: string } => {
    const { status, stdout, stderr } = spawnSync('ssh', [...sshArgs(name), 'cat /etc/passwd'], { input });
    return { status, answer: stdout, said: stderr.toString() };
  };
  const sampleOf = ({ publicKey }: AgentJson, client = 'laptop-1'): SealedSample => {
    const raw = Buffer.from(publicKey, 'base64url');
    const key = { ...generateKeyPair(), id: keyIdOf(raw), publicKey: raw };
    return sealedSample({ key, inside: { client } });
  };

  test('enroll prints one file for the client, the same each time', async () => {
    const first = await enroll('--ssh', 'fleet@collector.example.org');
    assert.deepEqual(
      [first.client, first.push, Buffer.from(first.pushKey, 'base64url').length],
      ['laptop-1', { to: 'ssh://fleet@collector.example.org', every: '5m' }, 32],
    );
    assert.equal(first.collector, readFileSync(state('collector-id'), 'utf8').trim());
    assert.deepEqual(await enroll('--ssh', 'fleet@collector.example.org'), first);
    assert.equal(statSync(state('push-keys.json')).mode & 0o777, 0o600);
  });

  test('a key that is rotated is another, and one that is revoked is gone', { skip: skipUnlessWide }, async () => {
    const first = await enroll('--ssh', 'fleet@collector.example.org');
    const file = path.join(dir, 'agent.json');
    const said = await succeeded(
      run('enroll', 'laptop-1', '--https', 'https://hq.example.org', '--rotate', '-o', file),
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const second = JSON.parse(readFileSync(file, 'utf8')) as AgentJson;
    assert.notEqual(second.pushKey, first.pushKey);
    assert.ok(!said.includes(second.pushKey));
    assert.equal(second.push.to, 'https://hq.example.org/');
    assert.match(await succeeded(run('enroll', 'laptop-1', '--revoke')), /opens nothing any more/);
    assert.deepEqual(JSON.parse(readFileSync(state('push-keys.json'), 'utf8')), { clients: [] });
  });

  for (const { args, says } of [
    { args: ['web-1', '--ssh', 'a@b'], says: /web-1 is visited \(usage\)\. Write transport="push"/ },
    { args: ['laptop-1'], says: /not set where the client pushes to/ },
    { args: ['laptop-1', '--https', 'ftp://x'], says: /is no URL/ },
    { args: ['laptop-1', '--ssh', '-oProxyCommand=x'], says: /is no account of a machine/ },
    { args: ['laptop-2', '--revoke'], says: /no client "laptop-2" is enrolled/ },
  ]) {
    test(`enroll ${args.join(' ')} is refused`, { skip: skipUnlessWide }, async () => {
      const { status, stderr } = await run('enroll', ...args);
      assert.equal(status, 2);
      assert.match(stderr, says);
    });
  }

  test('a stock sshd takes reports by the key of their client, whatever command was asked for', async () => {
    const agent = await enroll('--ssh', 'fleet@collector');
    const own = sampleOf(agent);
    const { status, answer, said } = push('laptop-1', pushedStream({ sealed: [own.sealed] }));
    assert.deepEqual([status, said], [0, '']);
    assert.deepEqual(acknowledgedIn(answer), [own.reportId]);
    // The same bytes with the key of another client.
    const stolen = push('laptop-2', pushedStream({ sealed: [own.sealed] }));
    assert.deepEqual([stolen.status, acknowledgedIn(stolen.answer)], [1, []]);
    assert.match(stolen.said, /laptop-2 sent a report of laptop-1 \(report-foreign\)/);
    const visited = push('web-1', pushedStream({ sealed: [own.sealed] }));
    assert.deepEqual([visited.status, acknowledgedIn(visited.answer)], [2, []]);
    await run('collect', 'laptop-1', 'laptop-2');
    const { stdout } = await run('--json', 'status');
    const { clients } = JSON.parse(stdout) as { clients: readonly Record<string, unknown>[] };
    const seen = clients.map((one) => ({
      client: one['client'],
      reader: one['reader'],
      failures: one['consecutive_failures'],
    }));
    assert.deepEqual(
      seen.toSorted((a, b) => String(a.client).localeCompare(String(b.client))),
      [
        { client: 'laptop-1', reader: 'push', failures: 0 },
        { client: 'laptop-2', reader: 'push', failures: 1 },
        { client: 'web-1', reader: null, failures: 0 },
      ],
    );
  });

  test('the client pushes by ssh, and its report is a row after the next run', async () => {
    const file = path.join(dir, 'pushing.json');
    const to = `${account.name}@127.0.0.1:${sshd.port}`;
    await succeeded(run('enroll', 'laptop-1', '--ssh', to, '-o', file));
    const agent = JSON.parse(readFileSync(file, 'utf8')) as AgentJson;
    const place = path.join(dir, 'agent-state');
    const key = path.join(dir, 'push_key');
    writeFileSync(key, readFileSync(keys['laptop-1'] ?? ''), { mode: 0o600 });
    const push = { ...agent.push, identity: key };
    writeFileSync(file, JSON.stringify({ ...agent, push, state_directory: place }), { mode: 0o600 });
    mkdirSync(path.join(account.home, '.ssh'), { mode: 0o700 });
    const known = path.join(account.home, '.ssh', 'known_hosts');
    writeFileSync(known, '');
    execFileSync('chown', ['-R', String(account.uid), dir, path.dirname(known)]);
    const pushOnce = (): Promise<CliResult> =>
      outcomeOf(
        spawn(node, [agentProgram, '-c', file, 'push', '--once'], {
          uid: account.uid,
          env: { HOME: account.home, PATH: process.env['PATH'] ?? '' },
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
      );
    const refused = await pushOnce();
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /Host key verification failed\.; 1 report is kept \(push-failed\)/);
    writeFileSync(known, `${sshd.hostKeyLine()}\n`);
    assert.match(await succeeded(pushOnce()), /^4 reports sent$/m);
    // The second one is a state, if another test has added an account to this machine meanwhile.
    assert.match(await succeeded(pushOnce()), /^(?:1 report|2 reports) sent$/m);
    await run('collect', 'laptop-1');
    const { stdout } = await run('--json', 'status', 'laptop-1');
    assert.match(stdout, /"reader":"push","hostname":"[^"]+"/);
    const having = await run('--json', 'changes', 'laptop-1', '--have', 'openssh-server');
    assert.match(having.stdout, /"known":1,"versions":\[\{"version":"/);
  });

  const rare = { skip: skipUnlessWide };
  test('a connection that breaks before the end loses nothing that was acknowledged', rare, async () => {
    const agent = await enroll('--ssh', 'fleet@collector');
    const [one, two] = [sampleOf(agent), sampleOf(agent)];
    const whole = pushedStream({ sealed: [one.sealed, two.sealed] });
    const child = spawn('ssh', [...sshArgs('laptop-1')], { stdio: ['pipe', 'pipe', 'pipe'] });
    const ended = once(child, 'close');
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    // If the stream ends too early, the answer shows it.
    child.stdin.on('error', (thrown) => (said += String(thrown)));
    child.stdin.write(whole.subarray(0, whole.length - two.sealed.length));
    let answer = Buffer.alloc(0);
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length >= 32) break;
    }
    child.kill('SIGKILL');
    await ended;
    assert.deepEqual(acknowledgedIn(answer), [one.reportId], `${said}\n${sshd.log().slice(-2000)}`);
    const names = readdirSync(state('encrypted_stats', 'laptop-1'));
    assert.ok(
      names.some((name) => name.startsWith(one.reportId)),
      names.join(' '),
    );
    assert.ok(!names.some((name) => name.startsWith(two.reportId)), names.join(' '));
  });
});
