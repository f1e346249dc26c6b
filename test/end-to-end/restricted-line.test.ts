// Second tier: several servers and programs.
/**
 * Who can write the line of a restricted key: sshd with its usual settings, and the permissions that `authorize`
 * leaves.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';

import { sshdMissing, sshKeygen, sshdOfSuite } from '../support/sshd.ts';
import { databaseKinds } from './support/whole-fleet.ts';

suite('the line of a restricted key', { skip: sshdMissing() ?? false }, async () => {
  const sshd = await sshdOfSuite({ config: ['StrictModes yes', 'AuthorizedKeysFile .ssh/authorized_keys'] });
  const [sqlite] = databaseKinds();
  assert.ok(sqlite);

  test('is obeyed only while nobody but the account can write it, and authorize leaves it so', async (t) => {
    const site = await sqlite.site(t, '');
    await site.inventoried('web-1');
    const { privateKey, publicKey } = sshKeygen(path.join(site.dir, 'key'), '-t', 'ed25519');
    const { name, uid, home } = await sshd.addAccount();
    const { folder, file } = writableByAll(home, uid, publicKey);
    site.configure(
      `<client name="web-1" ip="127.0.0.1" port="${sshd.port}" username="${name}" privateKey="${privateKey}"/>`,
    );
    assert.equal((await site.run('trust', '--yes')).status, 0);
    const collected = async (): Promise<unknown> => {
      await site.run('collect', 'web-1');
      return (await site.rows('SELECT code FROM visits ORDER BY id')).at(-1)?.['code'];
    };
    const authorize = async (): Promise<void> => {
      const { stdout } = await site.run('authorize', 'web-1', '--script');
      const env = { HOME: home, PATH: '/usr/bin:/bin' };
      execFileSync('sh', ['-s'], { input: stdout, uid, gid: uid, env, stdio: ['pipe', 'ignore', 'inherit'] });
      const { mode, uid: owner } = statSync(file);
      assert.deepEqual({ mode: mode & 0o777, owner }, { mode: 0o600, owner: uid });
    };
    assert.equal(await collected(), 'auth-failed');
    await authorize();
    assert.equal(await collected(), null);
    // Debian allows write permission for a group whose only member is the account.
    for (const { place, open, closed } of [
      { place: file, open: 0o602, closed: 0o600 },
      { place: folder, open: 0o777, closed: 0o700 },
      { place: home, open: 0o757, closed: 0o755 },
    ]) {
      chmodSync(place, open);
      assert.equal(await collected(), 'auth-failed', `others can write ${place}`);
      chmodSync(place, closed);
      assert.equal(await collected(), null);
    }
  });
});

/** Writes a key's authorized_keys as some administrators leave it: writable for all. Returns its folder and file. */
function writableByAll(
  home: string,
  uid: number,
  publicKey: string,
): { readonly folder: string; readonly file: string } {
  chmodSync(home, 0o755);
  const folder = path.join(home, '.ssh');
  const file = path.join(folder, 'authorized_keys');
  mkdirSync(folder, { mode: 0o755 });
  writeFileSync(file, `${publicKey}\n`);
  chmodSync(file, 0o666);
  for (const place of [folder, file]) chownSync(place, uid, uid);
  return { folder, file };
}
