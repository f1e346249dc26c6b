/** The story of a restricted key. The tables of attacks, agents and servers are in restricted-agents.test.ts. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, suite, test } from 'node:test';

import { parseHello } from '../../src/report/frames.ts';
import { generateKeyPair } from '../../src/report/seal/key-pair.ts';
import { readHeader } from '../../src/report/seal/sealed-message.ts';
import { attacksWith, framesOf, owned, restrict, visitCommand } from '../support/ssh/restricted-key.ts';
import { sshdMissing, sshdOfSuite } from '../support/ssh/sshd.ts';
import { databaseKinds, listing } from './support/whole-fleet.ts';

suite('a restricted key', { skip: sshdMissing() ?? false }, async () => {
  const sshd = await sshdOfSuite();
  const [sqlite] = databaseKinds(false);
  assert.ok(sqlite);
  const { site, account, codes, lib, ssh } = await restrict(sshd, await sqlite.site({ after }, ''));

  test('lets a visit become a row, and the collector uploads nothing', async () => {
    const { status, stdout } = await site.run('collect');
    assert.equal(status, 0, stdout);
    assert.doesNotMatch(stdout, /another version/);
    assert.deepEqual(await codes(), [null]);
    assert.deepEqual(
      (await site.rows('SELECT uploaded FROM visits')).map(({ uploaded }) => Number(uploaded)),
      [0],
    );
    assert.equal((await site.rows('SELECT id FROM stats')).length, 1);
    // The agent keeps counters, but no program that could be changed. It keeps no acknowledged report.
    const kept = listing(path.join(account.home, '.local/state')).filter((line) => !line.includes('/ '));
    assert.deepEqual(
      kept.map((line) => path.basename(line)),
      ['counters.json 600'],
    );
  });

  test('runs nothing else, whatever is asked for', () => {
    const kept = listing(account.home);
    const [id, touch, appended] = attacksWith(visitCommand());
    for (const command of [id, touch, appended, null]) {
      const { status, stdout, stderr } = ssh(command ?? null);
      assert.deepEqual({ status, stdout }, { status: 84, stdout: '' }, `${String(command)}\n${stderr}`);
      assert.match(stderr, /^fleet-health restricted key [0-9a-f]{64}: it runs the agent of this digest and nothing/m);
    }
    assert.deepEqual(listing(account.home), kept);
    assert.equal(existsSync(owned), false);
  });

  test('forwards nothing', () => {
    assert.match(ssh(null, '-W', `127.0.0.1:${sshd.port}`).stderr, /stdio forwarding failed/);
  });

  test('seals to the pinned key, whatever key the request has', async () => {
    const thief = generateKeyPair();
    const { status, stdout } = ssh(visitCommand({ key: Buffer.from(thief.publicKey).toString('base64url') }));
    assert.equal(status, 0);
    const frames = framesOf(stdout);
    assert.match(parseHello(frames.get('H') ?? Buffer.alloc(0)).pinned ?? '', /^[0-9a-f]{64}$/);
    const { keyId } = readHeader(frames.get('R') ?? Buffer.alloc(0));
    const { stdout: keys } = await site.run('keys', 'list');
    assert.ok(keys.includes(keyId) && keyId !== thief.id, keys);
  });

  test('does not run an agent that was changed', async () => {
    for (const name of readdirSync(lib)) appendFileSync(path.join(lib, name), '\n;');
    assert.equal((await site.run('collect')).status, 1);
    assert.deepEqual(await codes(), [null, 'restricted-key']);
    assert.ok(readdirSync(lib).every((name) => readFileSync(path.join(lib, name), 'utf8').endsWith('\n;')));
  });
});
