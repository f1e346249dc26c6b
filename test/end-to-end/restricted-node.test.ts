// Second tier: the whole table of attacks, for each login shell.
/** A restricted key for the Node agent, with a real sshd: its limits, and the upgrade to a newer agent. */
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, suite, test } from 'node:test';

import { parseHello } from '../../src/report/frames.ts';
import { generateKeyPair } from '../../src/seal/key-pair.ts';
import { readHeader } from '../../src/seal/sealed-message.ts';
import { attacksWith, framesOf, restrict, visitCommand } from '../support/restricted-key.ts';
import { lineFor, runAsCron } from '../support/spool-line.ts';
import { sshdMissing, sshdOfSuite } from '../support/sshd.ts';
import { testRestricted } from './support/restricted-cases.ts';
import { databaseKinds, listing } from './support/whole-fleet.ts';
import { exits, succeeded } from '../support/run-cli.ts';

const skip = sshdMissing() ?? false;

suite('a restricted key for the Node agent', { skip }, async () => {
  // This server accepts every environment variable, as the most permissive one would.
  const sshd = await sshdOfSuite({ config: ['AcceptEnv *', 'Subsystem sftp internal-sftp', 'PermitTunnel yes'] });
  const [sqlite] = databaseKinds();
  assert.ok(sqlite);

  test('lets visits become rows and needs no upload', async (t) => {
    const { site, account, codes } = await restrict(sshd, await sqlite.site(t, ''), { takesInventory: true });
    for (let run = 1; run <= 2; run += 1) {
      const stdout = await succeeded(site.run('collect'));
      assert.doesNotMatch(stdout, /another version/);
    }
    assert.deepEqual(await codes(), [null, null]);
    const uploads = (await site.rows('SELECT uploaded FROM visits')).map(({ uploaded }) => Number(uploaded));
    assert.deepEqual(uploads, [0, 0]);
    assert.equal((await site.rows('SELECT id FROM stats')).length, 2);
    assert.equal((await site.rows('SELECT client FROM inventory')).length, 1);
    // The agent keeps counters, but no program that could be changed. It keeps no acknowledged report.
    const kept = listing(path.join(account.home, '.local/state')).filter((line) => !line.includes('/ '));
    const names = kept.map((line) => path.basename(line));
    assert.deepEqual(names, ['counters.json 600']);
    // The account's own crontab starts the same agent to write reports.
    const collectorId = readFileSync(path.join(site.stateDir, 'collector-id'), 'utf8').trim();
    const cron = (): unknown =>
      runAsCron(lineFor({ collectorId }).replace(/ >\/dev\/null 2>&1$/, ''), {
        home: account.home,
        uid: account.uid,
      });
    assert.deepEqual(cron(), { status: 0, said: '' });
    assert.equal((await site.run('collect')).status, 0);
    for (let n = 0; n < 2; n += 1) assert.deepEqual(cron(), { status: 0, said: '' });
    assert.equal((await site.run('collect')).status, 0);
    assert.equal((await site.rows('SELECT id FROM stats')).length, 6);
  });

  const shared = await restrict(sshd, await sqlite.site({ after }, ''));
  testRestricted({
    ...{ sshd, shared },
    restricted: async (t, options) => await restrict(sshd, await sqlite.site(t, ''), options),
    attacks: [...attacksWith(visitCommand()), null],
    spoils: { 'was changed': (file) => appendFileSync(file, '\n;'), 'is not there': rmSync },
    older: 'var newer = 0;',
    ending: '.cjs',
  });

  test('obeys no other sealing key, collector or limits that stand in the request', async () => {
    const { ssh, account, site } = shared;
    const thief = generateKeyPair();
    const pinnedKey = (await site.run('keys', 'list')).stdout;
    const stolen = visitCommand({
      key: Buffer.from(thief.publicKey).toString('base64url'),
      collector: '00000000-0000-4000-8000-000000000000',
      deadlineMs: 86_400_000,
      maxFrames: 1e9,
      maxBytes: 1e12,
    });
    const { status, stdout } = ssh(stolen);
    assert.equal(status, 0);
    const frames = framesOf(stdout);
    const hello = parseHello(frames.get('H') ?? Buffer.alloc(0));
    assert.match(hello.pinned ?? '', /^[0-9a-f]{64}$/);
    const { keyId } = readHeader(frames.get('R') ?? Buffer.alloc(0));
    assert.notEqual(keyId, thief.id);
    assert.ok(pinnedKey.includes(keyId), pinnedKey);
    const collectorId = readFileSync(path.join(site.stateDir, 'collector-id'), 'utf8').trim();
    const folders = readdirSync(path.join(account.home, '.local/state/fleet-health'), { recursive: true }).map(String);
    assert.ok(folders.some((name) => name.includes(collectorId)));
    assert.ok(!folders.some((name) => name.includes('00000000-0000')));
  });

  test('says when it is asked in another version of the protocol', () => {
    const { ssh } = shared;
    const { status, stderr } = ssh(visitCommand({ v: 2 as never }));
    assert.equal(status, 87);
    assert.match(stderr, /^fleet-health restricted key [0-9a-f]{64}: a request of another version$/m);
  });

  test('makes folders for a few names of clients only', async (t) => {
    const { ssh, account } = await restrict(sshd, await sqlite.site(t, ''));
    for (let n = 0; n < 10; n += 1) assert.equal(ssh(visitCommand({ client: `invented-${n}` })).status, 0);
    const kept = listing(path.join(account.home, '.local/state')).filter((line) => line.endsWith('.fhs 600'));
    assert.equal(kept.length, 8);
  });

  test('hands nothing of the environment on', () => {
    const { ssh, account, lib } = shared;
    const evil = path.join(account.home, 'evil.js');
    const program = `require('fs').writeFileSync('${path.join(lib, 'owned')}', '')`;
    writeFileSync(evil, program);
    chmodSync(path.dirname(lib), 0o777);
    for (const variable of [
      `NODE_OPTIONS=--require=${evil}`,
      `NODE_PATH=${account.home}`,
      `PATH=${account.home}`,
      `ENV=${evil}`,
    ]) {
      const { status, stderr } = ssh(visitCommand(), '-o', `SetEnv=${variable}`);
      assert.equal(status, 0, stderr);
    }
    assert.equal(existsSync(path.join(lib, 'owned')), false);
  });

  test('reports sealed to a key that was rotated are read until it is retired', async (t) => {
    const { site, codes } = await restrict(sshd, await sqlite.site(t, ''));
    const [, old = ''] = /^([0-9a-f]{16})/m.exec((await site.run('keys', 'list')).stdout) ?? [];
    assert.equal((await site.run('keys', 'rotate')).status, 0);
    assert.equal((await site.run('collect')).status, 0);
    await exits(3, site.run('keys', 'retire', old), /key-in-use/);
    assert.equal((await site.run('keys', 'retire', '--force', old)).status, 0);
    assert.equal((await site.run('collect')).status, 1);
    assert.deepEqual(await codes(), [null, 'seal-no-key']);
  });
});
