/** A release of ssh2 with unknown private parts: logins wait for each answer, and succeed. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

import { groupExchange } from '../../../src/config/values/key-exchanges.ts';
import { sshdMissing, sshKeygen, sshdOfSuite } from '../../support/ssh/sshd.ts';

// The release is read once, when the client is loaded.
const manifest = createRequire(import.meta.url)('ssh2/package.json') as { version: string };
manifest.version = '1.18.0';
const { privatePartsFit } = await import('../../../src/transport/ssh2/private-parts.ts');
const { connectTo, fails } = await import('../../support/ssh/login.ts');
const { loadPrivateKey } = await import('../../../src/transport/credentials/private-key.ts');

test('commands run after a login that waits, and groups that nobody would check are not offered', async (t) => {
  const missing = sshdMissing();
  if (missing !== null) {
    t.skip(missing);
    return;
  }
  assert.equal(privatePartsFit(), false);
  const sshd = await sshdOfSuite();
  const { privateKey, publicKey } = sshKeygen(`${sshd.dir}/login`, '-t', 'ed25519');
  const { name: username } = await sshd.addAccount({ publicKey });
  const attempt = { server: sshd, username, credentials: { key: loadPrivateKey(privateKey, null) } };
  const connection = await connectTo({ ...attempt, options: { ahead: 'echo first' } });
  for (const word of ['first', 'second']) {
    const channel = await connection.exec(`echo ${word}`);
    channel.stdin.end();
    assert.deepEqual([await text(channel.stdout), (await channel.exit).status], [`${word}\n`, 0]);
  }
  await connection.leave();
  const onlyGroups = connectTo({ ...attempt, target: { kex: groupExchange } });
  await fails(onlyGroups, 'handshake-failed', /none of the key exchanges/);
});
