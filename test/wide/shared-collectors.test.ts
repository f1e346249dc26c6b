/** Three collectors, processes of the built program, that share one simulated fleet through one MariaDB. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startMariadb, skipWithoutMariadb } from '../support/databases/mariadb.ts';
import { runCli } from '../support/programs/run-cli.ts';
import { times } from '../support/times.ts';
import { endedWell, startSharedSite, storedSql } from '../end-to-end/support/shared-site.ts';

const clients = 60;
const everyMs = 24_000;

test('three collectors share a fleet', { skip: skipWithoutMariadb, timeout: 480_000 }, async (t) => {
  const mariadb = await startMariadb();
  t.after(() => mariadb.stop());
  const { url, password } = await mariadb.createDatabase();
  const site = await startSharedSite(t, { clients, urls: times(3, () => url), password, everyMs });
  const database = url.slice(url.lastIndexOf('/') + 1);
  const rows = async (sql: string): Promise<readonly unknown[]> =>
    (await mariadb.asRoot(`USE ${database}`, sql)).map((row) => Object.values(row).map(Number));
  /** Returns the number of clients for each number of successful visits. */
  const visits = (): Promise<readonly unknown[]> =>
    rows(
      'SELECT n, COUNT(*) FROM (SELECT COUNT(*) AS n FROM visits WHERE ok = 1 GROUP BY client) ' +
        'AS t GROUP BY n ORDER BY n',
    );

  await t.test('one makes the tables, and each client is visited once a cycle', async () => {
    await site.untilNextCycle();
    const found = [await endedWell(site.start(0))];
    assert.deepEqual(found, [clients]);
    await site.untilNextCycle();
    const parts = await Promise.all(times(3, (index) => endedWell(site.start(index))));
    assert.equal(
      parts.reduce((sum, part) => sum + part, 0),
      clients,
    );
    assert.deepEqual(await visits(), [[2, clients]]);
  });

  await t.test('now that all know each other, each has its share', async () => {
    await site.untilNextCycle();
    const parts = await Promise.all(times(3, (index) => endedWell(site.start(index))));
    for (const part of parts) assert.ok(part > 8 && part < 36, parts.join(' '));
    assert.deepEqual(await visits(), [[3, clients]]);
    const claims = await rows('SELECT COUNT(DISTINCT client, epoch), MIN(epoch), MAX(epoch) FROM visits WHERE ok = 1');
    assert.deepEqual(claims, [[3 * clients, 1, 3]], 'each visit carries the epoch of its slice');
    const { stdout } = await runCli(['-c', site.configs[0]?.file ?? '', 'status']);
    assert.match(
      stdout,
      /^Site fra: cycle 3 began \d+s ago; of 60 clients asked, 60 answered; 3 collectors with 256 slices: \S+ \d+ \(seen /m,
    );
  });

  await t.test('what a killed one had follows in the next cycle, from the others', async () => {
    await site.untilNextCycle();
    const killed = site.start(2);
    const others = [0, 1].map((index) => endedWell(site.start(index)));
    await site.untilServed(10);
    killed.kill('SIGKILL');
    await Promise.all(others);
    await site.untilNextCycle();
    const parts = await Promise.all([0, 1].map((index) => endedWell(site.start(index))));
    assert.equal(
      parts.reduce((sum, part) => sum + part, 0),
      clients,
    );
  });

  await t.test('it comes back, brings home what it had received, and nothing is lost or stored twice', async () => {
    await site.untilNextCycle();
    await Promise.all(times(3, (index) => endedWell(site.start(index))));
    const [counts] = await rows(storedSql);
    const { served, overlapping, sent, resent } = site.counts();
    assert.equal(overlapping, 0, `of ${served} visits`);
    assert.deepEqual(counts, [sent - resent, sent - resent]);
  });

  await t.test('a collector with a key of its own is refused, and disturbs nobody', async () => {
    const [first] = site.configs;
    const { status } = await runCli(['-c', first?.file ?? '', 'keys', 'rotate']);
    assert.equal(status, 0);
    await site.untilNextCycle();
    await endedWell(site.start(0));
    const { status: refused, stderr } = await runCli(['-c', site.configs[1]?.file ?? '', 'collect']);
    assert.deepEqual(
      [refused, / of the same site fra seals to key \w{16}, which is not live here \(keys-invalid\)/.test(stderr)],
      [3, true],
      stderr,
    );
  });
});
