/**
 * An unavailable database, as a user of the built programs meets it. Reports wait and are stored later, no client is
 * blamed, and people are notified once.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, suite, test } from 'node:test';

import { openSqlite, type SqliteDatabase } from '../../src/platform/sqlite.ts';
import { startFickleProxy } from '../support/fickle-proxy.ts';
import { makeInventoried } from '../support/inventoried.ts';
import { startLoopbackFleet, type LoopbackFleet } from '../support/loopback-fleet.ts';
import { skipUnlessWide } from '../support/long-tests.ts';
import { skipWithoutMariadb, startMariadb } from '../support/mariadb.ts';
import { namesBelow } from '../support/names-below.ts';
import type { CliResult } from '../support/run-cli.ts';
import { stoppedAfter } from '../support/stopped-after.ts';

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

suite('MariaDB that cannot be reached', { skip: skipWithoutMariadb }, async () => {
  const mariadb = await stoppedAfter(startMariadb(['--innodb-flush-log-at-trx-commit=0']));
  const made = await mariadb.createDatabase();
  await makeInventoried(made.storage, 'c1', 'c2');
  const proxy = await stoppedAfter(startFickleProxy(mariadb.port));
  const fleet = await startLoopbackFleet({ after }, 2, { trusted: true });
  writeFileSync(path.join(fleet.dir, 'db.password'), made.password, { mode: 0o600 });
  const url = `mysql://${made.user}@127.0.0.1:${proxy.port}/${made.name}`;
  // A collector whose rules ignore this machine, its load and the mounts of other tests.
  const off = ['probe-failed', 'mount-unresponsive', 'mount-missing', 'read-only', 'clock-offset', 'rebooted']
    .map((name) => `<alert name="${name}" enabled="no"/>`)
    .join('');
  fleet.configure(`<storage url="${url}" passwordFile="db.password"/><alerts defaults="no">${off}</alerts>`);
  /** The number of runs of the collector, each of which visits both clients. */
  let collects = 0;

  const collect = (...args: readonly string[]): Promise<CliResult> => {
    collects += 1;
    return fleet.runBuilt([...args, 'collect']);
  };
  /** Asserts the exit status of a quiet run and the number of its lines on standard error. */
  const says = async (running: Promise<CliResult>, status: number, lines: number): Promise<void> => {
    const { status: own, stdout, stderr } = await running;
    const said = stderr.split('\n').filter((line) => line !== '').length;
    assert.deepEqual({ status: own, stdout, lines: said }, { status, stdout: '', lines }, stderr);
  };
  const alert = (): Promise<CliResult> => fleet.runBuilt(['-q', 'alert']);
  /** Asserts that every visit is stored once, that none failed, and that nobody is to blame. */
  const allIsStored = async (): Promise<void> => {
    const [row] = await mariadb.asRoot(`USE ${made.name}`, countsSql);
    const counts = Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]));
    const visits = 2 * collects;
    assert.deepEqual(counts, { stats: visits, visits, failed: 0, runs: collects, failures: 0 });
    assert.deepEqual(await mariadb.asRoot(`USE ${made.name}`, 'SELECT client FROM alerts'), []);
    assert.deepEqual({ ...left(fleet), mails: [] }, { sealed: 0, journals: 0, mails: [] });
  };

  test('is reported by one run, and not again by the other program', async () => {
    await says(collect('-q'), 0, 0);
    proxy.mode = 'refuse';
    await says(collect('-q'), 3, 1);
    await says(alert(), 3, 0);
    assert.deepEqual(left(fleet), { sealed: 2, journals: 1, mails: [] });
  });

  test('is reported once an hour, and each time in the JSON', { skip: skipUnlessWide }, async () => {
    await says(collect('-q'), 3, 0);
    assert.match((await fleet.runBuilt(['--json', 'alert'])).stdout, /"code":"storage-unavailable"/);
    letMinutesPass(fleet, 60);
    await says(collect('-q'), 3, 1);
  });

  test('is mailed once after ten minutes', async () => {
    letMinutesPass(fleet, 11);
    await says(alert(), 3, 0);
    await says(alert(), 3, 0);
    assert.deepEqual(left(fleet).mails, ['Database away']);
  });

  test('and is back: all that waited is stored once, no client is blamed, and one mail says so', async () => {
    proxy.mode = 'pass';
    const earlier = collects - 1;
    const { status, stdout, stderr } = await collect();
    assert.equal(status, 0, stderr);
    assert.match(stdout, new RegExp(`stored the records of ${earlier} earlier runs? and ${2 * earlier} visits`));
    await says(alert(), 0, 0);
    await says(alert(), 0, 0);
    assert.deepEqual([...left(fleet).mails].sort(), ['Database away', 'Database back']);
    await allIsStored();
  });

  test('is named by the fault of the account or of the server', { skip: skipUnlessWide }, async () => {
    const user = `${made.user}@'%'`;
    const limited = `GRANT USAGE ON *.* TO ${user} WITH MAX_QUERIES_PER_HOUR`;
    const insert = `INSERT ON ${made.name}.*`;
    const faults = [
      { code: 'storage-read-only', breaks: 'SET GLOBAL read_only = 1', mends: 'SET GLOBAL read_only = 0' },
      { code: 'storage-denied', breaks: `REVOKE ${insert} FROM ${user}`, mends: `GRANT ${insert} TO ${user}` },
      { code: 'storage-denied', breaks: `ALTER USER ${user} ACCOUNT LOCK`, mends: `ALTER USER ${user} ACCOUNT UNLOCK` },
      { code: 'storage-unavailable', breaks: `${limited} 1`, mends: `${limited} 0` },
    ];
    for (const { code, breaks, mends } of faults) {
      await mariadb.asRoot(breaks);
      const { status, stdout } = await collect('--json');
      await mariadb.asRoot(mends);
      const document = JSON.parse(stdout) as { faults: { code: string }[]; reports: { waiting: number } };
      assert.equal(status, 3, breaks);
      assert.deepEqual(
        document.faults.map((fault) => fault.code),
        [code],
        breaks,
      );
      assert.ok(document.reports.waiting >= 2, breaks);
    }
    assert.equal((await collect()).status, 0);
    await allIsStored();
  });

  test('is cut in the middle of its transactions: all is stored once', { skip: skipUnlessWide }, async () => {
    const uncut = new Set(['INSERT INTO stats', 'INSERT INTO visits']);
    proxy.onRequest = (bytes) => {
      const statement = [...uncut].find((words) => bytes.includes(words));
      if (statement === undefined || !uncut.delete(statement)) return;
      setImmediate(() => proxy.cut());
    };
    const { status, stderr } = await collect();
    proxy.onRequest = () => undefined;
    assert.equal(uncut.size, 0);
    assert.equal(status, 0, stderr);
    await allIsStored();
  });
});
