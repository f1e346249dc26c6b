// Second tier: several servers and programs.
/** Who can write the line of a restricted key: servers as usual, and the permissions that `authorize` leaves. */
import assert from 'node:assert/strict';
import { chmodSync, statSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';

import { dropbearMissing, startDropbear } from '../support/ssh/dropbear.ts';
import { keysFileOf, restrict, type KeyServer } from '../support/ssh/restricted-key.ts';
import { sshdMissing, startSshd } from '../support/ssh/sshd.ts';
import { stoppedAfter } from '../support/stopped-after.ts';
import { databaseKinds } from './support/whole-fleet.ts';

interface Server {
  readonly name: string;
  readonly missing: string | null;
  readonly start: () => Promise<KeyServer & { stop(): Promise<void> }>;
}

const servers: readonly Server[] = [
  {
    name: 'sshd',
    missing: sshdMissing(),
    start: async () => ({
      ...(await startSshd({ config: ['StrictModes yes', 'AuthorizedKeysFile .ssh/authorized_keys'] })),
      keysAtHome: true,
    }),
  },
  {
    name: 'dropbear',
    missing: dropbearMissing(),
    start: async () => ({ ...(await startDropbear()), keysAtHome: true }),
  },
];

for (const { name, missing, start } of servers) {
  suite(`the line of a restricted key, at ${name}`, { skip: missing ?? false }, async () => {
    const server = await stoppedAfter(start());
    const [sqlite] = databaseKinds(false);
    assert.ok(sqlite);

    test('is obeyed only while nobody but the account can write it, and authorize leaves it so', async (t) => {
      const { site, account, keysFile } = await restrict(server, await sqlite.site(t, ''), {
        beforehand: async (site, account) => {
          // Some administrators leave it so.
          chmodSync(keysFileOf(server, account), 0o666);
          chmodSync(path.dirname(keysFileOf(server, account)), 0o755);
          await site.run('collect', 'web-1');
          assert.equal((await site.rows('SELECT code FROM visits'))[0]?.['code'], 'auth-failed');
        },
      });
      const collected = async (): Promise<unknown> => {
        await site.run('collect', 'web-1');
        return (await site.rows('SELECT code FROM visits ORDER BY id')).at(-1)?.['code'];
      };
      const { mode, uid } = statSync(keysFile);
      assert.deepEqual({ mode: mode & 0o777, uid }, { mode: 0o600, uid: account.uid });
      assert.equal(await collected(), null);
      // Debian allows write permission for a group whose only member is the account.
      for (const { place, open, closed } of [
        { place: keysFile, open: 0o602, closed: 0o600 },
        { place: path.dirname(keysFile), open: 0o777, closed: 0o700 },
        { place: account.home, open: 0o757, closed: 0o755 },
      ]) {
        chmodSync(place, open);
        assert.equal(await collected(), 'auth-failed', `others can write ${place}`);
        chmodSync(place, closed);
        assert.equal(await collected(), null);
      }
    });
  });
}
