// Second tier: whole tables of attacks, for each shell.
/** A restricted key that runs the shell agent, on clients of real servers that have no node anywhere. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, suite, test } from 'node:test';

import { parseHello } from '../../src/report/frames.ts';
import { everyNode } from '../support/every-node.ts';
import { attacksWith, framesOf, owned, restrict, shellStart, visitCommand } from '../support/restricted-key.ts';
import { sshdMissing, sshdOfSuite } from '../support/sshd.ts';
import { testRestricted } from './support/restricted-cases.ts';
import { databaseKinds, listing } from './support/whole-fleet.ts';
import { exits, succeeded } from '../support/run-cli.ts';

const skip = sshdMissing() ?? false;

const agent = ['--agent', 'shell'];
const visit = visitCommand({}, shellStart);
const [, request = ''] = /'([\w-]+)'$/.exec(visit) ?? [];
/** Attacks on input that the shell agent alone reads. */
const ownAttacks = [
  visitCommand(),
  visit.replace(shellStart.marker, `0.1;touch ${owned}`),
  visit.replace(shellStart.marker, '8.9'),
  visit.replace(shellStart.marker, '7.'.repeat(40)),
  visit.replace(shellStart.folder, '../../../../tmp/fleet-health-owned'),
  visit.replace(shellStart.folder, '/tmp/fleet-health-owned-0000000x'),
  visit.replace(shellStart.folder, 'D'.repeat(32)),
  visit.replace("fh 'AAEC", `fh '$(touch ${owned})AAEC`),
  visit.replace("fh 'AAECAwQF", "fh '"),
  visit.replace(request, `${request}\n`),
  visit.replace(request, `${request}é`),
  `pinned ${visit}`,
];

suite('a restricted key that runs the shell agent', { skip }, async () => {
  const sshd = await sshdOfSuite({ hidden: everyNode, config: ['AcceptEnv *', 'Subsystem sftp internal-sftp'] });
  const [sqlite] = databaseKinds();
  assert.ok(sqlite);

  test('is what authorize makes for a client that it read, and visits become rows', async (t) => {
    const { site, codes, lib, keysFile, account } = await restrict(sshd, await sqlite.site(t, ''), {
      beforehand: async (there) => {
        const { stdout } = await there.run('authorize', 'web-1');
        assert.match(stdout, /needs Node\.js on the client \(--agent shell/);
        assert.equal((await there.run('collect')).status, 0);
        assert.match((await there.run('authorize', 'web-1')).stdout, /It is the shell agent, .*--agent node/);
      },
    });
    fs.rmSync(path.join(account.home, '.local/state'), { recursive: true });
    assert.match(fs.readFileSync(keysFile, 'utf8'), /^restrict,command="\/bin\/sh -c /);
    const [program = '', ...others] = fs.readdirSync(lib);
    assert.deepEqual(others, []);
    const content = fs.readFileSync(path.join(lib, program));
    assert.equal(`${createHash('sha256').update(content).digest('hex')}.sh`, program);
    for (let run = 1; run <= 2; run += 1) {
      const stdout = await succeeded(site.run('collect'));
      assert.doesNotMatch(stdout, /another version/);
    }
    assert.deepEqual(await codes(), [null, null, null]);
    const rows = await site.rows('SELECT cpu_percent, memory_percent, probe_errors FROM stats ORDER BY id');
    assert.equal(rows.length, 3);
    for (const row of rows) {
      assert.ok(Number(row['memory_percent']) > 0);
      assert.equal(Number(row['probe_errors']), 0);
    }
    const visits = await site.rows('SELECT uploaded FROM visits ORDER BY id');
    const uploads = visits.map(({ uploaded }) => Number(uploaded));
    assert.deepEqual(uploads, [1, 0, 0]);
    const [known] = await site.rows("SELECT reader FROM clients WHERE name = 'web-1'");
    assert.equal(known?.['reader'], 'shell');
    // The agent keeps counters, but no program that could be changed.
    const kept = listing(path.join(account.home, '.local/state')).filter((line) => !line.includes('/ '));
    assert.deepEqual(kept.map((line) => path.basename(line)).sort(), ['counters.shell 600', 'running 600']);
  });

  const shared = await restrict(sshd, await sqlite.site({ after }, ''), { args: agent });
  testRestricted({
    ...{ sshd, shared },
    restricted: async (t, more) => await restrict(sshd, await sqlite.site(t, ''), { ...more, args: agent }),
    attacks: [...attacksWith(visit), ...ownAttacks, null],
    spoils: {
      'was changed': (file) => fs.appendFileSync(file, `\ntouch ${owned}`),
      'is not there': fs.rmSync,
      'is empty': (file) => fs.writeFileSync(file, ''),
      'is a link to nowhere': (file) => spawnSync('ln', ['-sf', '/nowhere', file]),
    },
    older: '# older\n',
    ending: '.sh',
  });

  test('says when it is asked in another version of the protocol', () => {
    const { ssh } = shared;
    for (const v of [2, 9, 10, 17]) {
      const { status, stderr } = ssh(visitCommand({ v: v as never }, shellStart));
      assert.equal(status, 87, stderr);
      assert.match(stderr, /^fleet-health restricted key [0-9a-f]{64}: a request of another version$/m);
    }
  });

  test('obeys no other collector, and says which agent it is', () => {
    const { ssh, site, account, lib } = shared;
    const { status, stdout, stderr } = ssh(visit);
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    const frames = framesOf(stdout);
    const hello = parseHello(frames.get('H') ?? Buffer.alloc(0));
    assert.equal(hello.reader, 'shell');
    assert.equal(`${hello.pinned ?? ''}.sh`, fs.readdirSync(lib)[0]);
    assert.ok(frames.has('U'));
    const collectorId = fs.readFileSync(path.join(site.stateDir, 'collector-id'), 'utf8').trim();
    const folders = fs
      .readdirSync(path.join(account.home, '.local/state/fleet-health'), { recursive: true })
      .map(String);
    const names = folders.filter((name) => name.split('/').length === 2).map((name) => path.basename(name));
    assert.deepEqual(names, [collectorId]);
  });

  test('what is asked of probes stays what is asked of probes', () => {
    const { ssh } = shared;
    const evil = [
      `$(touch ${owned})`,
      `\`touch ${owned}\``,
      `x;touch ${owned}`,
      `--root=${owned}`,
      `\n|touch ${owned}`,
      'x\\',
    ];
    const options = { units: evil, mounts: evil, processes: evil };
    const raw = JSON.parse(Buffer.from(request, 'base64url').toString()) as object;
    const text = JSON.stringify({ ...raw, options });
    // Line breaks escaped as in JSON, and unescaped.
    for (const json of [text, text.replaceAll('\\n', '\n')]) {
      const { status, stdout } = ssh(visit.replace(request, Buffer.from(json).toString('base64url')));
      assert.equal(status, 0);
      assert.ok(framesOf(stdout).has('U'));
    }
    assert.equal(fs.existsSync(owned), false);
  });

  test('makes folders for a few clients only', async (t) => {
    const { ssh, account } = await restrict(sshd, await sqlite.site(t, ''), { args: agent });
    for (let n = 0; n < 10; n += 1) {
      const { status, stdout } = ssh(visitCommand({}, { ...shellStart, folder: String(n).repeat(32) }));
      assert.equal(status, 0);
      const end = JSON.parse(String(framesOf(stdout).get('E'))) as { place: string | null };
      assert.equal(end.place === null, n >= 8);
    }
    const kept = listing(path.join(account.home, '.local/state')).filter((line) => line.includes('counters.shell'));
    assert.equal(kept.length, 8);
  });

  test('hands nothing of the environment on', () => {
    const { ssh, account } = shared;
    const evil = path.join(account.home, 'bin');
    fs.mkdirSync(evil);
    for (const name of ['awk', 'date', 'cat', 'sha256sum', 'env', 'timeout', 'sh', 'rc']) {
      fs.writeFileSync(path.join(evil, name), `#!/bin/sh\ntouch ${owned}\n`, { mode: 0o755 });
    }
    for (const variable of [
      `PATH=${evil}`,
      `ENV=${path.join(evil, 'rc')}`,
      `XDG_STATE_HOME=${evil}`,
      'IFS=/',
      'pinned=',
      'fh_root=/nowhere',
      `fh_agent=touch ${owned}`,
      `AWKPATH=${evil}`,
    ]) {
      const { status, stdout, stderr } = ssh(visit, '-o', `SetEnv="${variable}"`);
      assert.equal(status, 0, stderr);
      assert.ok(framesOf(stdout).has('U'), variable);
    }
    assert.equal(fs.existsSync(owned), false);
    assert.equal(fs.existsSync(path.join(evil, 'fleet-health')), false);
  });

  test('is made for nobody whose reports must be sealed, and gives them nothing', async (t) => {
    const { site, codes } = await restrict(sshd, await sqlite.site(t, ''), { args: agent });
    const configFile = path.join(site.dir, 'config.xml');
    fs.writeFileSync(configFile, fs.readFileSync(configFile, 'utf8').replace('<client ', '<client unsealed="refuse" '));
    await exits(2, site.run('authorize', 'web-1', '--agent', 'shell'), /web-1: .*unsealed="refuse"/);
    assert.match((await site.run('authorize', 'web-1')).stdout, /It needs Node\.js on the client\.$/m);
    assert.equal((await site.run('collect')).status, 1);
    assert.deepEqual(await codes(), ['restricted-key']);
  });

  test('a folder of its own is open to nobody else', () => {
    const { ssh, account } = shared;
    assert.equal(ssh(visit).status, 0);
    assert.equal(fs.statSync(path.join(account.home, '.local/state/fleet-health')).mode & 0o777, 0o700);
  });
});
