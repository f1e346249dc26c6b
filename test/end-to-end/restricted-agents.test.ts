// Second tier: whole tables of attacks, for each agent and server.
/** Restricted keys of both agents: one table of promises, at sshd and, as far as the server matters, at dropbear. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, suite, test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { parseHello } from '../../src/report/frames.ts';
import type { AgentRequest } from '../../src/report/wire.ts';
import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { readHeader } from '../../src/report/seal/sealed-message.ts';
import { dropbearMissing, startDropbear } from '../support/ssh/dropbear.ts';
import { everyNode } from '../support/programs/every-node.ts';
import {
  attacksWith,
  framesOf,
  install,
  owned,
  restrict,
  shellStart,
  visitCommand,
  type KeyServer,
  type Restricted,
  type RestrictOptions,
} from '../support/ssh/restricted-key.ts';
import { exits, succeeded } from '../support/programs/run-cli.ts';
import { lineFor, runAsCron } from '../support/clients/spool-line.ts';
import { startSshAgent } from '../support/ssh/ssh-agent.ts';
import { sshdMissing, sshdOfSuite, sshKeygen } from '../support/ssh/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { databaseKinds, listing } from './support/whole-fleet.ts';

interface Agent {
  readonly name: 'node' | 'shell';
  /** The extension of the agent's file. */
  readonly ending: '.cjs' | '.sh';
  /** The files that the agent keeps below the state folder, with their modes. */
  readonly keeps: readonly string[];
  /** The type of the frame that has the report. */
  readonly frame: 'R' | 'U';
  /** The text to put before the agent to make another version of it. */
  readonly older: string;
  /** Returns the command of a visit with these changes of the request. */
  readonly visit: (request?: Partial<AgentRequest>) => string;
  /** Returns the command of a visit of another client, by a number below ten. */
  readonly visitOfOther: (client: number) => string;
  /** Attacks on input that this agent alone reads. */
  readonly attacks: readonly string[];
}

const nodeAgent: Agent = {
  name: 'node',
  ending: '.cjs',
  keeps: ['counters.json 600'],
  frame: 'R',
  older: 'var newer = 0;',
  visit: visitCommand,
  visitOfOther: (client) => visitCommand({ client: `invented-${client}` }),
  attacks: [],
};

const shellVisit = visitCommand({}, shellStart);
const [, shellRequest = ''] = /'([\w-]+)'$/.exec(shellVisit) ?? [];
const shellAgent: Agent = {
  name: 'shell',
  ending: '.sh',
  keeps: ['asked 600', 'notes 600', 'running 600'],
  frame: 'U',
  older: '# older\n',
  visit: (request) => visitCommand(request, shellStart),
  visitOfOther: (client) => visitCommand({}, { ...shellStart, folder: String(client).repeat(32) }),
  attacks: [
    visitCommand(),
    shellVisit.replace(shellStart.marker, `0.1;touch ${owned}`),
    shellVisit.replace(shellStart.marker, '8.9'),
    shellVisit.replace(shellStart.marker, '7.'.repeat(40)),
    shellVisit.replace(shellStart.folder, '../../../../tmp/fleet-health-owned'),
    shellVisit.replace(shellStart.folder, '/tmp/fleet-health-owned-0000000x'),
    shellVisit.replace(shellStart.folder, 'D'.repeat(32)),
    shellVisit.replace("fh 'AAEC", `fh '$(touch ${owned})AAEC`),
    shellVisit.replace("fh 'AAECAwQF", "fh '"),
    shellVisit.replace(shellRequest, `${shellRequest}\n`),
    shellVisit.replace(shellRequest, `${shellRequest}é`),
    `pinned ${shellVisit}`,
  ],
};

const spoils: Readonly<Record<string, (file: string) => unknown>> = {
  'has a command more': (file) => fs.appendFileSync(file, `\ntouch ${owned}`),
  'has a character more': (file) => fs.appendFileSync(file, '\n;'),
  'is not there': fs.rmSync,
  'is empty': (file) => fs.writeFileSync(file, ''),
  'is a link to nowhere': (file) => spawnSync('ln', ['-sf', '/nowhere', file]),
};

/** A script in place of the agent. It counts the account's processes with SSH_AUTH_SOCK in their environment. */
const lookAround = `#!/bin/sh
for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/environ; done 2>/dev/null | grep -c '^SSH_AUTH_SOCK='
exit 0
`;

const notAtDropbear = dropbearMissing() ?? false;
const [sqlite] = databaseKinds(false);
assert.ok(sqlite);
const restricted = async (server: KeyServer, t: TestContext, options: RestrictOptions): Promise<Restricted> =>
  await restrict(server, await sqlite.site(t, ''), options);
const linesOf = (dir: string): readonly string[] => listing(path.join(dir, '.local/state'));

/** Checks two visits: both are read, nothing is uploaded, and the agent keeps what it may. */
async function assertVisited({ site, account, codes }: Restricted, agent: Agent): Promise<void> {
  for (let run = 1; run <= 2; run += 1) {
    assert.doesNotMatch(await succeeded(site.run('collect')), /another version/);
  }
  assert.deepEqual(await codes(), [null, null]);
  const uploads = (await site.rows('SELECT uploaded FROM visits')).map(({ uploaded }) => Number(uploaded));
  assert.deepEqual(uploads, [0, 0]);
  const [known] = await site.rows("SELECT reader FROM clients WHERE name = 'web-1'");
  assert.equal(known?.['reader'], agent.name);
  const rows = await site.rows('SELECT memory_percent, probe_errors FROM stats');
  assert.equal(rows.length, 2);
  for (const row of rows) {
    assert.ok(Number(row['memory_percent']) > 0);
    assert.equal(Number(row['probe_errors']), 0);
  }
  // The agent keeps no program that could be changed, and no acknowledged report.
  const kept = linesOf(account.home).filter((line) => !line.includes('/ '));
  assert.deepEqual(kept.map((line) => path.basename(line)).sort(), agent.keeps);
}

/** Checks that no command has any effect. The longest one that the server passes on has this many characters. */
function assertRefused({ ssh, account }: Restricted, { visit, attacks }: Agent, maxLength = Infinity): void {
  const before = listing(account.home);
  const commands = [...attacksWith(visit()), ...attacks, '"', "'; id; '"].filter(({ length }) => length < maxLength);
  for (const command of [...commands, null]) {
    const { status, stdout, stderr } = ssh(command);
    assert.deepEqual({ status, stdout }, { status: 84, stdout: '' }, `${String(command)}\n${stderr}`);
    const why = 'it runs the agent of this digest and nothing else';
    assert.match(stderr, new RegExp(`^fleet-health restricted key [0-9a-f]{64}: ${why}$`, 'm'));
  }
  assert.deepEqual(listing(account.home), before);
  assert.equal(fs.existsSync(owned), false);
}

suite('a restricted key at dropbear', { skip: notAtDropbear }, async () => {
  const dropbear = { ...(await stoppedAfter(startDropbear())), keysAtHome: true };
  for (const agent of [nodeAgent, shellAgent]) {
    test(`${agent.name}: lets visits pass, and nothing else`, async (t) => {
      // The longest possible line.
      const keyType = ['-t', 'rsa', '-b', '4096'];
      const made = await restricted(dropbear, t, { keyType, args: ['--agent', agent.name] });
      await assertVisited(made, agent);
      // dropbear ends a session whose command is longer than this many bytes.
      assertRefused(made, agent, 8000);
      assert.notEqual(made.ssh(null, '-o', 'ExitOnForwardFailure=yes', '-W', `127.0.0.1:${dropbear.port}`).status, 0);
    });
  }
});

for (const agent of [nodeAgent, shellAgent]) {
  suite(`a restricted key for the agent of ${agent.name}`, { skip: sshdMissing() ?? false }, async () => {
    // This server accepts every environment variable, as the most permissive one would.
    const config = ['AcceptEnv *', 'Subsystem sftp internal-sftp', 'PermitTunnel yes', 'AllowAgentForwarding yes'];
    const sshd = await sshdOfSuite({ config, hidden: agent.name === 'shell' ? everyNode : [] });
    const args = ['--agent', agent.name];
    const own = async (t: TestContext, options: RestrictOptions = {}): Promise<Restricted> =>
      await restricted(sshd, t, { args, ...options });
    const shared = await restrict(sshd, await sqlite.site({ after }, ''), { args });

    test('lets visits become rows, needs no upload and runs nothing else', async (t) => {
      const made = await own(t);
      await assertVisited(made, agent);
      assertRefused(made, agent);
    });

    // All other tests have /bin/sh as login shell, whose syntax bash and mksh share.
    for (const shell of ['/usr/bin/fish', '/bin/zsh', '/bin/tcsh']) {
      test(`${shell} as login shell`, { skip: fs.existsSync(shell) ? false : `${shell} is missing` }, async (t) => {
        await succeeded((await own(t, { shell })).site.run('collect'));
      });
    }

    test('no sftp, no terminal, no forwarding of ports or tunnels', () => {
      const { ssh } = shared;
      const sftp = ssh('sftp', '-s');
      assert.deepEqual({ status: sftp.status, stdout: sftp.stdout }, { status: 84, stdout: '' }, sftp.stderr);
      const terminal = ssh('id', '-tt');
      assert.equal(terminal.status, 255);
      assert.match(terminal.stderr, /PTY allocation request failed/);
      assert.match(ssh(null, '-W', `127.0.0.1:${sshd.port}`).stderr, /stdio forwarding failed/);
      const remote = ssh(null, '-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:22', '-N');
      assert.match(remote.stderr, /remote port forwarding failed/);
      assert.notEqual(remote.status, 0);
    });

    test('no forwarding of an ssh-agent, which there would be without restrict', async (t) => {
      const { site, ssh, keysFile } = await own(t);
      const { privateKey } = sshKeygen(path.join(site.dir, 'forwarded'), '-t', 'ed25519');
      const socket = await startSshAgent(path.join(site.dir, 'agent'), privateKey);
      const spy = path.join(sshd.dir, 'spy');
      fs.writeFileSync(spy, lookAround, { mode: 0o755 });
      const line = fs.readFileSync(keysFile, 'utf8');
      const seen = (options: string): string => {
        // The same line with the spy as its command.
        fs.writeFileSync(keysFile, line.replace(/^restrict,command="[^"]+"/m, `${options}command="${spy}"`));
        const { status, stdout, stderr } = ssh('anything', '-A', '-o', `IdentityAgent=${socket}`);
        assert.equal(status, 0, stderr);
        return stdout.trim();
      };
      assert.match(line, /^restrict,command="/);
      assert.equal(seen('restrict,'), '0');
      assert.notEqual(seen(''), '0', 'the spy sees a forwarded agent where there is one');
    });

    test('an agent that was changed is not run', async (t) => {
      const { site, lib, codes } = await own(t);
      const files = fs.readdirSync(lib).map((name) => path.join(lib, name));
      const whole = files.map((file) => fs.readFileSync(file));
      for (const [what, spoil] of Object.entries(spoils)) {
        for (const file of files) spoil(file);
        assert.equal((await site.run('collect')).status, 1, what);
        const visited = (await site.rows('SELECT code, message FROM visits ORDER BY id')).at(-1);
        assert.equal(visited?.['code'], 'restricted-key', what);
        const message = String(visited['message']);
        assert.match(message, /^web-1: agent [0-9a-f]{12}, .* is not on the client or was changed$/, what);
        assert.equal(fs.existsSync(owned), false, what);
        for (const [at, file] of files.entries()) {
          fs.rmSync(file, { force: true });
          fs.writeFileSync(file, whole[at] ?? '', { mode: 0o644 });
        }
      }
      await succeeded(site.run('collect'));
      assert.equal((await codes()).at(-1), null);
    });

    test('an agent of an older version goes on, and a line says how to get the newer one', async (t) => {
      const { site, lib, keysFile, codes, account } = await own(t);
      // The collector is upgraded: the pinned agent is another version than its own.
      // The inventory is larger than the agent.
      const sizeOf = (file: string): number => fs.statSync(path.join(lib, file)).size;
      const [name = ''] = fs.readdirSync(lib).sort((one, other) => sizeOf(one) - sizeOf(other));
      const text = agent.older + fs.readFileSync(path.join(lib, name), 'utf8');
      const digest = createHash('sha256').update(text).digest('hex');
      fs.writeFileSync(path.join(lib, `${digest}${agent.ending}`), text);
      fs.rmSync(path.join(lib, name));
      const pinned = path.basename(name, agent.ending);
      fs.writeFileSync(keysFile, fs.readFileSync(keysFile, 'utf8').replaceAll(pinned, digest));
      const says = /web-1 runs the agent of another version under a restricted key/;
      assert.match(await succeeded(site.run('collect')), says);

      // By now the collector knows which agent reads this client.
      install((await site.run('authorize', 'web-1', '--script')).stdout, sshd, account);
      assert.doesNotMatch(await succeeded(site.run('collect')), /another version/);
      assert.deepEqual(await codes(), [null, null]);
      assert.equal(fs.readFileSync(keysFile, 'utf8').split('ssh-ed25519').length, 2, 'one line with this key');
    });

    test('says when it is asked in another version of the protocol', () => {
      for (const v of [2, 9, 10, 17]) {
        const { status, stderr } = shared.ssh(agent.visit({ v: v as never }));
        assert.equal(status, 87, stderr);
        assert.match(stderr, /^fleet-health restricted key [0-9a-f]{64}: a request of another version$/m);
      }
    });

    test('obeys no sealing key, collector or limits of the request, and says which agent it is', async () => {
      const { ssh, account, site, lib } = shared;
      const thief = generateKeyPair();
      const stolen = agent.visit({
        key: Buffer.from(thief.publicKey).toString('base64url'),
        collector: '00000000-0000-4000-8000-000000000000',
        deadlineMs: 86_400_000,
        maxFrames: 1e9,
        maxBytes: 1e12,
      });
      const { status, stdout, stderr } = ssh(stolen);
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
      const frames = framesOf(stdout);
      const hello = parseHello(frames.get('H') ?? Buffer.alloc(0));
      assert.equal(hello.reader ?? 'node', agent.name);
      assert.ok(fs.readdirSync(lib).includes(`${hello.pinned ?? ''}${agent.ending}`));
      const report = frames.get(agent.frame);
      assert.ok(report);
      if (agent.name === 'node') {
        const keys = (await site.run('keys', 'list')).stdout;
        assert.ok(keys.includes(readHeader(report).keyId), keys);
      }
      const collectorId = fs.readFileSync(path.join(site.stateDir, 'collector-id'), 'utf8').trim();
      const folder = path.join(account.home, '.local/state/fleet-health');
      const names = fs.readdirSync(folder, { recursive: true }).map(String);
      assert.deepEqual(
        names.filter((name) => name.split('/').length === 2).map((name) => path.basename(name)),
        [collectorId],
      );
      assert.equal(fs.statSync(folder).mode & 0o777, 0o700, 'the folder is open to nobody else');
    });

    test('makes folders for a few names of clients only', async (t) => {
      const { ssh, account } = await own(t);
      for (let client = 0; client < 10; client += 1) {
        const { status, stdout } = ssh(agent.visitOfOther(client));
        assert.equal(status, 0);
        if (agent.name === 'node') continue;
        const capture = gunzipSync(framesOf(stdout).get('U') ?? Buffer.alloc(0)).toString();
        assert.equal(/^=place /m.test(capture), client < 8);
      }
      const file = agent.name === 'node' ? '.fhs 600' : 'running 600';
      assert.equal(linesOf(account.home).filter((line) => line.endsWith(file)).length, 8);
    });

    test('hands nothing of the environment on', () => {
      const { ssh, account } = shared;
      const evil = path.join(account.home, 'evil');
      fs.mkdirSync(evil);
      for (const name of ['node', 'awk', 'date', 'cat', 'sha256sum', 'env', 'timeout', 'sh', 'rc']) {
        fs.writeFileSync(path.join(evil, name), `#!/bin/sh\ntouch ${owned}\n`, { mode: 0o755 });
      }
      fs.writeFileSync(path.join(evil, 'evil.js'), `require('fs').writeFileSync('${owned}', '')`);
      for (const variable of [
        `NODE_OPTIONS=--require=${path.join(evil, 'evil.js')}`,
        `NODE_PATH=${evil}`,
        `PATH=${evil}`,
        `ENV=${path.join(evil, 'rc')}`,
        `XDG_STATE_HOME=${evil}`,
        'IFS=/',
        'pinned=',
        'fh_root=/nowhere',
        `fh_agent=touch ${owned}`,
        `AWKPATH=${evil}`,
      ]) {
        const { status, stdout, stderr } = ssh(agent.visit(), '-o', `SetEnv="${variable}"`);
        assert.equal(status, 0, stderr);
        assert.ok(framesOf(stdout).has(agent.frame), variable);
      }
      assert.equal(fs.existsSync(owned), false);
      assert.equal(fs.existsSync(path.join(evil, 'fleet-health')), false);
    });
    if (agent.name === 'node') testNode(own);
    else testShell(own, shared);
  });
}

type Own = (t: TestContext, options?: RestrictOptions) => Promise<Restricted>;

function testNode(own: Own): void {
  test('takes the inventory, and the account’s own crontab starts the same agent', async (t) => {
    const { site, account } = await own(t, { takesInventory: true });
    await succeeded(site.run('collect'));
    assert.equal((await site.rows('SELECT client FROM inventory')).length, 1);
    const collectorId = fs.readFileSync(path.join(site.stateDir, 'collector-id'), 'utf8').trim();
    const line = lineFor({ collectorId }).replace(/ >\/dev\/null 2>&1$/, '');
    for (const reports of [1, 2]) {
      for (let n = 0; n < reports; n += 1) assert.deepEqual(runAsCron(line, account), { status: 0, said: '' });
      await succeeded(site.run('collect'));
    }
    assert.equal((await site.rows('SELECT id FROM stats')).length, 5);
  });

  test('reports sealed to a key that was rotated are read until it is retired', async (t) => {
    const { site, codes } = await own(t);
    const [, old = ''] = /^([0-9a-f]{16})/m.exec((await site.run('keys', 'list')).stdout) ?? [];
    assert.equal((await site.run('keys', 'rotate')).status, 0);
    assert.equal((await site.run('collect')).status, 0);
    await exits(3, site.run('keys', 'retire', old), /key-in-use/);
    assert.equal((await site.run('keys', 'retire', '--force', old)).status, 0);
    assert.equal((await site.run('collect')).status, 1);
    assert.deepEqual(await codes(), [null, 'seal-no-key']);
  });
}

function testShell(own: Own, { ssh }: Restricted): void {
  test('is what authorize makes for a client that it read', async (t) => {
    const { site, lib } = await own(t, {
      args: [],
      beforehand: async (there) => {
        const { stdout } = await there.run('authorize', 'web-1');
        assert.match(stdout, /needs Node\.js on the client \(--agent shell/);
        assert.equal((await there.run('collect')).status, 0);
        assert.match((await there.run('authorize', 'web-1')).stdout, /It is the shell agent, .*--agent node/);
      },
    });
    const [program = '', ...others] = fs.readdirSync(lib);
    assert.deepEqual(others, []);
    const content = fs.readFileSync(path.join(lib, program));
    assert.equal(`${createHash('sha256').update(content).digest('hex')}.sh`, program);
    await succeeded(site.run('collect'));
    const visits = await site.rows('SELECT uploaded FROM visits ORDER BY id');
    assert.deepEqual(
      visits.map(({ uploaded }) => Number(uploaded)),
      [1, 0],
    );
  });

  test('what is asked of probes stays what is asked of probes', () => {
    const evil = [
      `$(touch ${owned})`,
      `\`touch ${owned}\``,
      `x;touch ${owned}`,
      `--root=${owned}`,
      `\n|touch ${owned}`,
      'x\\',
    ];
    const options = { units: evil, mounts: evil, processes: evil };
    const raw = JSON.parse(Buffer.from(shellRequest, 'base64url').toString()) as object;
    const text = JSON.stringify({ ...raw, options });
    // Line breaks escaped as in JSON, and unescaped.
    for (const json of [text, text.replaceAll('\\n', '\n')]) {
      const { status, stdout } = ssh(shellVisit.replace(shellRequest, Buffer.from(json).toString('base64url')));
      assert.equal(status, 0);
      assert.ok(framesOf(stdout).has('U'));
    }
    assert.equal(fs.existsSync(owned), false);
  });

  test('is made for nobody whose reports must be sealed, and gives them nothing', async (t) => {
    const { site, codes } = await own(t);
    const configFile = path.join(site.dir, 'config.xml');
    fs.writeFileSync(configFile, fs.readFileSync(configFile, 'utf8').replace('<client ', '<client unsealed="refuse" '));
    await exits(2, site.run('authorize', 'web-1', '--agent', 'shell'), /web-1: .*unsealed="refuse"/);
    assert.match((await site.run('authorize', 'web-1')).stdout, /It needs Node\.js on the client\.$/m);
    assert.equal((await site.run('collect')).status, 1);
    assert.deepEqual(await codes(), ['restricted-key']);
  });
}
