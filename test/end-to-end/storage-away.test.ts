/**
 * An unavailable database, as a user of the built programs meets it. Reports wait and are stored later, no client is
 * blamed, and people are notified once.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { openSqlite, type SqliteDatabase } from '../../src/platform/sqlite.ts';
import { startFickleProxy } from '../support/fickle-proxy.ts';
import { startLoopbackFleet, type LoopbackFleet } from '../support/loopback-fleet.ts';
import { skipWithoutMariadb, startMariadb } from '../support/mariadb.ts';
import { namesBelow } from '../support/names-below.ts';

const namesIn = (dir: string, ending: string) => (existsSync(dir) ? namesBelow(dir, ending) : []);

/** Counts waiting reports and journals in a fleet's state folder, and lists its mails. */
function left({ dir }: LoopbackFleet): { sealed: number; journals: number; mails: readonly string[] } {
  const state = path.join(dir, 'state');
  const outbox = path.join(state, 'outbox');
  const mails = namesIn(outbox, '.eml').map((name) => readFileSync(path.join(outbox, name), 'utf8'));
  return {
    sealed: namesIn(path.join(state, 'encrypted_stats'), '.fhs').length,
    journals: namesIn(path.join(state, 'journal'), '.jsonl').length,
    mails: mails.flatMap((mail) => /^Subject: (Database.*?) (?:for|after)/m.exec(mail)?.[1] ?? []),
  };
}

/** Makes the recorded outage older by this many minutes. */
function letMinutesPass({ dir }: LoopbackFleet, minutes: number): void {
  const database: SqliteDatabase = openSqlite(path.join(dir, 'state', 'database-away.db'));
  for (const column of ['since_ms', 'logged_ms', 'mailed_ms', 'tried_ms']) {
    database.exec(`UPDATE notices SET ${column} = ${column} - ${minutes * 60_000}`);
  }
  database.close();
}

const countsSql = `SELECT (SELECT COUNT(*) FROM stats) AS stats, (SELECT COUNT(*) FROM visits) AS visits,
  (SELECT COUNT(*) FROM visits WHERE ok = 0) AS failed, (SELECT COUNT(*) FROM runs WHERE program = 'collect') AS runs,
  (SELECT SUM(consecutive_failures) FROM clients) AS failures`;

test('MariaDB behind a way that is gone', { skip: skipWithoutMariadb, timeout: 240_000 }, async (t: TestContext) => {
  const mariadb = await startMariadb(['--innodb-flush-log-at-trx-commit=0']);
  t.after(() => mariadb.stop());
  const made = await mariadb.createDatabase();
  const proxy = await startFickleProxy(mariadb.port);
  t.after(() => proxy.close());
  const fleet = await startLoopbackFleet(t, 2, { trusted: true });
  writeFileSync(path.join(fleet.dir, 'db.password'), made.password, { mode: 0o600 });
  const url = `mysql://${made.user}@127.0.0.1:${proxy.port}/${made.name}`;
  // A collector whose rules ignore this machine, its load and the mounts of other tests.
  const off = ['probe-failed', 'mount-unresponsive', 'mount-missing', 'read-only', 'clock-offset', 'rebooted']
    .map((name) => `<alert name="${name}" enabled="no"/>`)
    .join('');
  fleet.configure(`<storage url="${url}" passwordFile="db.password"/><alerts defaults="no">${off}</alerts>`);
  const counts = async (): Promise<object> => {
    const [row] = await mariadb.asRoot(`USE ${made.name}`, countsSql);
    return Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]));
  };
  const alerts = async (): Promise<unknown> =>
    await mariadb.asRoot(`USE ${made.name}`, 'SELECT client, rule, state, value_text FROM alerts');
  const quietly = async (command: 'collect' | 'alert'): Promise<readonly [number | null, number]> => {
    const { status, stderr, stdout } = await fleet.run(['-q', command]);
    assert.equal(stdout, '');
    return [status, stderr.split('\n').filter((line) => line !== '').length];
  };

  assert.deepEqual(await quietly('collect'), [0, 0]);
  assert.deepEqual(await quietly('alert'), [0, 0]);

  proxy.mode = 'refuse';
  assert.deepEqual(await quietly('collect'), [3, 1], 'said at first');
  assert.deepEqual(await quietly('alert'), [3, 0], 'the other program does not say it again');
  assert.deepEqual(await quietly('collect'), [3, 0], 'nor the next run');
  const seen = await fleet.run(['alert']);
  assert.deepEqual([seen.status, seen.stderr], [3, '']);
  assert.match((await fleet.run(['--json', 'alert'])).stdout, /"code":"storage-unavailable"/);
  assert.deepEqual(left(fleet), { sealed: 4, journals: 2, mails: [] });

  letMinutesPass(fleet, 11);
  assert.deepEqual(await quietly('alert'), [3, 0]);
  assert.deepEqual(await quietly('alert'), [3, 0]);
  assert.deepEqual(left(fleet).mails, ['Database away'], 'one mail after ten minutes');
  letMinutesPass(fleet, 60);
  assert.deepEqual(await quietly('collect'), [3, 1], 'said every hour');
  assert.deepEqual(left(fleet), { sealed: 6, journals: 3, mails: ['Database away'] });

  proxy.mode = 'pass';
  const back = await fleet.run(['collect']);
  assert.equal(back.status, 0, back.stderr);
  assert.match(back.stdout, /stored the records of 3 earlier runs and 6 visits/);
  assert.deepEqual(left(fleet), { sealed: 0, journals: 0, mails: ['Database away'] });
  assert.deepEqual(await quietly('alert'), [0, 0]);
  assert.deepEqual(await quietly('alert'), [0, 0]);
  assert.deepEqual([...left(fleet).mails].sort(), ['Database away', 'Database back']);
  assert.deepEqual(await counts(), { stats: 10, visits: 10, failed: 0, runs: 5, failures: 0 });
  assert.deepEqual(await alerts(), []);

  await t.test('read-only, without a right, with a refused login, beyond what the account may ask', async () => {
    const user = `${made.user}@'%'`;
    const faults: readonly (readonly [code: string, breaks: string, mends: string])[] = [
      ['storage-read-only', 'SET GLOBAL read_only = 1', 'SET GLOBAL read_only = 0'],
      ['storage-denied', `REVOKE INSERT ON ${made.name}.* FROM ${user}`, `GRANT INSERT ON ${made.name}.* TO ${user}`],
      ['storage-denied', `ALTER USER ${user} ACCOUNT LOCK`, `ALTER USER ${user} ACCOUNT UNLOCK`],
      [
        'storage-unavailable',
        `GRANT USAGE ON *.* TO ${user} WITH MAX_QUERIES_PER_HOUR 1`,
        `GRANT USAGE ON *.* TO ${user} WITH MAX_QUERIES_PER_HOUR 0`,
      ],
    ];
    for (const [code, breaks, mends] of faults) {
      await mariadb.asRoot(breaks);
      const result = await fleet.run(['--json', 'collect']);
      await mariadb.asRoot(mends);
      const { faults: said, reports } = JSON.parse(result.stdout) as {
        faults: { code: string }[];
        reports: { waiting: number };
      };
      assert.deepEqual([breaks, result.status, said.map((fault) => fault.code)], [breaks, 3, [code]]);
      assert.ok(reports.waiting >= 2, breaks);
    }
    assert.equal((await fleet.run(['collect'])).status, 0);
    assert.deepEqual(left(fleet), { sealed: 0, journals: 0, mails: left(fleet).mails });
    assert.deepEqual(await counts(), { stats: 20, visits: 20, failed: 0, runs: 10, failures: 0 });
    assert.deepEqual(await alerts(), []);
  });

  await t.test('cut in the middle of its transactions: all is stored once, and the run is whole', async () => {
    const uncut = new Set(['INSERT INTO stats', 'INSERT INTO visits']);
    proxy.onRequest = (bytes) => {
      const statement = [...uncut].find((words) => bytes.includes(words));
      if (statement === undefined || !uncut.delete(statement)) return;
      setImmediate(() => proxy.cut());
    };
    const result = await fleet.run(['collect']);
    proxy.onRequest = () => undefined;
    assert.equal(uncut.size, 0);
    assert.equal(result.status, 0, result.stderr);
    assert.deepEqual(await counts(), { stats: 22, visits: 22, failed: 0, runs: 11, failures: 0 });
    assert.deepEqual(await alerts(), []);
  });
});
