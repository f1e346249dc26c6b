// Second tier: copies and compares every table.
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';

import type { StorageConfig } from '../../../src/config/config.ts';
import { nameOf, parseStorageUrl } from '../../../src/config/databases/kinds.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';
import { openSqlite } from '../../../src/platform/sqlite.ts';
import { copyDatabase, type CopyResult } from '../../../src/storage/copy/copy.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { migrateDatabase } from '../../../src/storage/migrate/migrate.ts';
import { readMigrations } from '../../../src/storage/migrate/migration-files.ts';
import { forgetClient } from '../../../src/storage/retention/forget.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import { tables as allTables } from '../../../src/storage/sql/tables.ts';
import { isWide } from '../../support/long-tests.ts';
import {
  mysqlAt,
  serverName,
  skipWithoutMariadb,
  startMariadb,
  type Mariadb,
} from '../../support/databases/mariadb.ts';
import { makeMigrated } from '../../support/databases/migrated.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { check, item, refusedVisit, runEnd, runStart, visit } from '../support/samples.ts';
import { sqliteConfig } from '../support/sqlite-config.ts';
import { clients, fillings, noon, numbers } from './support/fillings.ts';

const tables = allTables.filter(({ isLocal = false }) => !isLocal);

async function using<T>(storage: StorageConfig, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase({ storage, program: 'change' });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

const sql = (storage: StorageConfig, ...statements: readonly string[]): Promise<void> =>
  using(storage, async (database) => {
    for (const statement of statements) await database.write((session) => session.run(statement));
  });

const rowsOf = (storage: StorageConfig, statement: string) =>
  using(storage, async (database) =>
    (await database.read((session) => session.all(statement))).map((row) => ({ ...row })),
  );

/** With so many reports of each client some tables have more than one page of rows. */
const manyEach = isWide ? 80 : 40;
const manyRows = clients * manyEach;

const filledFiles = new Map<number, string>();

/** Makes a database with rows in every table. */
async function filled(t: TestContext, reportsEach = 2): Promise<StorageConfig> {
  const storage = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  const file = filledFiles.get(reportsEach) ?? (await fill(reportsEach));
  filledFiles.set(reportsEach, file);
  copyFileSync(file, storage.path ?? '');
  return storage;
}

const filledFolder = tempFolder();

async function fill(reportsEach: number): Promise<string> {
  const storage = sqliteConfig(path.join(filledFolder, `${reportsEach}.db`));
  await makeMigrated(storage);
  const open = await openStorage({ storage, migrate: true, program: 'collect' });
  const start = runStart();
  await open.reports.startRun(start);
  await open.reports.endRun(start, runEnd(start));
  await open.reports.saveVisits([
    visit({ runId: start.id }),
    visit({ ...refusedVisit, runId: start.id, client: 'web-2' }),
  ]);
  const kinds = await open.reports.ingest([
    item({
      id: 'checked',
      checks: [check('load', 1, 'WARNING - 🐟 "quoted" \\ | load=1.5;2;3')],
      refused: [{ path: '/etc/odd', why: 'mode' }],
    }),
    item({ client: 'Web-1', observedAtMs: Date.UTC(2025, 1, 28, 23, 59, 59, 999) }),
  ]);
  assert.deepEqual(
    kinds.map(({ kind }) => kind),
    ['stored', 'stored'],
  );
  await open.close();
  await sql(storage, ...fillings(reportsEach));
  const counts = tables.map(({ name }) => `(SELECT COUNT(*) FROM ${name}) AS ${name}`).join(', ');
  const [count = {}] = await rowsOf(storage, `SELECT ${counts}`);
  const empty = Object.keys(count).filter((name) => count[name] === 0);
  assert.deepEqual(empty, [], 'a new table needs a row here');
  return storage.path ?? '';
}

interface CopiedOptions {
  /** The number of rows after which the copy is aborted. */
  readonly afterRows?: number;
  readonly overwrite?: boolean;
  /** True if the copy has to make the target's tables. */
  readonly isNew?: boolean;
}

async function copied(
  source: StorageConfig,
  target: StorageConfig,
  { afterRows = Infinity, overwrite = false, isNew = false }: CopiedOptions = {},
): Promise<CopyResult> {
  if (!isNew && target.kind === 'sqlite') await makeMigrated(target);
  const ending = new AbortController();
  let rows = 0;
  const onRows = (count: number): void => {
    rows += count;
    if (rows >= afterRows) ending.abort();
  };
  return await copyDatabase({ source, target, overwrite, signal: ending.signal, onStart: () => undefined, onRows });
}

const fault =
  (code: string, words: RegExp) =>
  (thrown: unknown): boolean => {
    assert.ok(thrown instanceof FleetError, String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    assert.match(`${thrown.message}. ${thrown.advice}`, words);
    return true;
  };

/** Returns a row with its JSON columns parsed: MySQL keeps the meaning of JSON, not the text. */
const meaning = (row: object): object =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      ['report', 'facts'].includes(name) ? (JSON.parse(String(value)) as unknown) : (value as unknown),
    ]),
  );

/** Asserts that two SQLite files have the same rows in every table. */
async function assertEqualRows(one: StorageConfig, other: StorageConfig): Promise<void> {
  const seen = serverName === 'MySQL' ? meaning : (row: object) => row;
  const [rows, expected] = [await allRowsOf(other), await allRowsOf(one)];
  for (const { name } of tables) assert.deepEqual(rows.get(name)?.map(seen), expected.get(name)?.map(seen), name);
}

/** Returns the rows of every table, in the order of their keys. */
async function allRowsOf(storage: StorageConfig): Promise<ReadonlyMap<string, readonly object[]>> {
  return await using(storage, async (database) => {
    const rows = new Map<string, readonly object[]>();
    for (const { name, key } of tables) {
      const all = `SELECT * FROM ${name} ORDER BY ${key.join(', ')}`;
      rows.set(name, await database.read((session) => session.all(all)));
    }
    return rows;
  });
}

const fileBeside = (storage: StorageConfig, name: string): StorageConfig =>
  sqliteConfig(path.join(path.dirname(storage.path ?? ''), name));

test('every table is copied but those that belong to one database', async (t) => {
  const storage = sqliteConfig(path.join(tempFolder(t), 'fleet.db'));
  await makeMigrated(storage);
  const inFile = await rowsOf(
    storage,
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
  );
  const names = inFile.map(({ name }) => String(name));
  assert.deepEqual(
    [...tables.map(({ name }) => name), 'collectors', 'cycles', 'leases', 'migrations', 'slices'].sort(),
    names.sort(),
  );
  const columns = await rowsOf(
    storage,
    `SELECT m.name AS name, c.name AS column FROM sqlite_master m, pragma_table_info(m.name) c
     WHERE m.type = 'table' AND c.pk > 0 ORDER BY c.pk`,
  );
  for (const { name, key } of tables) {
    const own = columns.filter((column) => column['name'] === name).map(({ column }) => column);
    assert.deepEqual(key, own, name);
  }
});

suite('there and back', { skip: skipWithoutMariadb || (!isWide && 'npm run test:wide copies to a server') }, () => {
  let mariadb: Mariadb;
  before(async () => {
    mariadb = await startMariadb();
  });
  after(() => mariadb.stop());

  test('every row of every table comes back as it was', async (t) => {
    const source = await filled(t, manyEach);
    const { storage: server } = await mariadb.createDatabase();
    const there = await copied(source, server);
    const back = await copied(server, fileBeside(source, 'back.db'));
    assert.deepEqual(back.tables, there.tables);
    await assertEqualRows(source, fileBeside(source, 'back.db'));
    const again = await copied(source, server);
    assert.deepEqual([again.copied, again.tables], [0, there.tables]);
  });

  test('the id of a removed row is not given again, there and back', async (t) => {
    const source = await filled(t, manyEach);
    const { storage: server } = await mariadb.createDatabase();
    await sql(source, 'DELETE FROM stats WHERE id > 4000', 'DELETE FROM silences');
    await copied(source, server);
    await copied(server, fileBeside(source, 'back.db'));
    const counters = 'SELECT name, seq FROM sqlite_sequence ORDER BY name';
    assert.deepEqual(await rowsOf(fileBeside(source, 'back.db'), counters), await rowsOf(source, counters));
  });

  test('names that MariaDB orders otherwise, or takes for the same', async (t) => {
    const source = await filled(t, manyEach);
    const { storage: server } = await mariadb.createDatabase();
    await sql(
      source,
      `${numbers(2400)} INSERT INTO disk_levels SELECT date('2026-09-01', '+' || (n / 40) || ' days'), 'web-' || (n % 40),
         mount, ${noon}, 1, 1, 1, 4.5 FROM numbers, (SELECT '/a' AS mount UNION SELECT '/a' || char(9) || 'b')`,
    );
    const { tables: there } = await copied(source, server);
    const [inSource] = await rowsOf(source, 'SELECT COUNT(*) AS rows FROM disk_levels');
    assert.equal(there.find(({ name }) => name === 'disk_levels')?.rows, inSource?.['rows']);
    assert.deepEqual((await copied(server, fileBeside(source, 'back.db'))).tables, there);
    await sql(source, `INSERT INTO client_labels VALUES ('a', 'b', 'c'), ('a', 'b ', 'c')`);
    const same = fault('storage-failed', /client_labels: .*Duplicate.*space at the end/);
    await assert.rejects(copied(source, server), same);
  });

  test('a server that goes away in the middle is named, and the next copy goes on', async (t) => {
    const source = await filled(t, manyEach);
    const { storage: server } = await mariadb.createDatabase();
    let rows = 0;
    const onRows = (count: number): void => {
      rows += count;
      if (rows > 3000 && mariadb.isAlive()) void mariadb.kill();
    };
    const cut = copyDatabase({
      source,
      target: server,
      signal: new AbortController().signal,
      onStart: () => undefined,
      onRows,
    });
    await assert.rejects(cut, fault('storage-unavailable', /127\.0\.0\.1.*Start the same command again: it goes on/));
    await mariadb.restart();
    const whole = await copied(source, server);
    const there = whole.tables.reduce((sum, table) => sum + table.rows, 0);
    assert.ok(whole.copied > 0 && whole.copied < there, `${whole.copied} of ${there} were copied`);
  });
});

test('a copy that was ended goes on where it ended, and takes over what has changed since', async (t) => {
  const source = await filled(t, manyEach);
  const target = fileBeside(source, 'copy.db');
  await assert.rejects(
    copied(source, target, { afterRows: manyRows, isNew: true }),
    fault('interrupted', /Start the same command again/),
  );
  await sql(
    source,
    "UPDATE alerts SET state = 'resolved', open_key = NULL WHERE id = 1",
    `INSERT INTO alerts (client, rule, subject, alert_key, open_key, severity, state)
       VALUES ('web-1', 'disk', '/', 'key', 'key', 'critical', 'firing')`,
    `DELETE FROM stats WHERE id BETWEEN 20 AND ${manyRows / 2}`,
    `UPDATE stats SET client = 'renamed' WHERE id = ${manyRows / 2 + 100}`,
  );
  const whole = await copied(source, target);
  const rows = whole.tables.reduce((sum, table) => sum + table.rows, 0);
  assert.ok(whole.copied > manyRows / 2 && whole.copied < rows, `${whole.copied} of ${rows}`);
  await assertEqualRows(source, target);
  await sql(source, 'DELETE FROM client_labels', 'DELETE FROM mails');
  assert.equal((await copied(source, target)).copied, 2);
  await assertEqualRows(source, target);
});

test('a later row that has what must be unique makes way', async (t) => {
  const source = await filled(t);
  const target = fileBeside(source, 'copy.db');
  const series = `INSERT INTO series (client, series_key, metric, labels, unit, last_on)`;
  await sql(
    source,
    `${numbers(4000)} ${series} SELECT CASE WHEN n < 2500 THEN 'old' ELSE 'new' END, 'k' || (n % 2500), 'm', '', '',
       '2026-11-20' FROM numbers`,
  );
  await copied(source, target);
  await sql(source, "DELETE FROM series WHERE client = 'new'", "UPDATE series SET client = 'new' WHERE client = 'old'");
  await copied(source, target);
  await assertEqualRows(source, target);
});

test('a silence that is set while the last rows are compared is copied', async (t) => {
  const source = await filled(t);
  const target = fileBeside(source, 'copy.db');
  const all = (await copied(source, target)).tables.reduce((sum, { rows }) => sum + rows, 0);
  let [left, done] = [2 * all - 1, false];
  const onRows = (count: number): void => {
    left -= count;
    if (left > 0 || done) return;
    done = true;
    const file = openSqlite(source.path ?? '');
    file.exec('DELETE FROM silences');
    file.close();
  };
  const onStart = (rows: number): void => assert.equal(rows, 2 * all);
  await copyDatabase({ source, target, signal: new AbortController().signal, onStart, onRows });
  await assertEqualRows(source, target);
});

test('nothing is written over rows that are no copy, nor over a copy that is in use', async (t) => {
  const source = await filled(t);
  const target = fileBeside(source, 'copy.db');
  await assert.rejects(
    copied(await filled(t), source),
    fault('usage', /fleet\.db is not empty, and no copy of .*clients, visits, .*empty/),
  );
  await copied(source, target);
  await assert.rejects(copied(await filled(t), target), fault('usage', /copy\.db is a copy of sqlite:.*, not of/));
  await sql(target, runSql('new', '2026-11-20 12:05:00.000'));
  await assert.rejects(
    copied(source, target),
    fault('usage', /has been used since it was copied.*no run of 2026-11-20 12:05/),
  );
});

const runSql = (id: string, at: string): string =>
  `INSERT INTO runs (id, program, outcome, collector_id, host, scope, config_digest, started_at)
     VALUES ('${id}', 'collect', 'finished', 'c', 'h', 'full', '', '${at}')`;

test('a foreign database keeps its schema, and so does one with migrate="no"', async (t) => {
  const source = await filled(t);
  const target = fileBeside(source, 'old.db');
  await using(target, (database) => migrateDatabase(database, readMigrations('sqlite').slice(0, 12)));
  await assert.rejects(
    copied(source, { ...target, migrate: false }),
    fault('migration-mismatch', /lacks the migration/),
  );
  await sql(target, `INSERT INTO clients (name, first_seen) VALUES ('mine', ${noon})`);
  await assert.rejects(copied(source, target), fault('usage', /old\.db is not empty/));
  assert.deepEqual(await rowsOf(target, 'SELECT MAX(number) AS newest FROM migrations'), [{ newest: 12 }]);
});

test('what a collector stores in the target while it is copied stays, and ends the copy', async (t) => {
  const source = await filled(t);
  const target = fileBeside(source, 'copy.db');
  await copied(source, target);
  let done = false;
  const onRows = (): void => {
    if (done) return;
    done = true;
    const file = openSqlite(target.path ?? '');
    file.exec(runSql('own', '2099-01-01 00:00:00.000'));
    file.exec(`INSERT INTO client_labels VALUES ('own', 'site', 'ber')`);
    file.close();
  };
  const signal = new AbortController().signal;
  const used = copyDatabase({ source, target, signal, onStart: () => undefined, onRows });
  await assert.rejects(used, fault('usage', /has been used since it was copied.*no run of 2099-01-01/));
  assert.equal((await rowsOf(target, "SELECT * FROM client_labels WHERE client = 'own'")).length, 1);
});

test('a source that was made anew is not copied over its older copy; a forgotten client is no matter', async (t) => {
  const source = await filled(t);
  const target = fileBeside(source, 'copy.db');
  await copied(source, target);
  await using(target, (database) => forgetClient(database, 'Web-1', new AbortController().signal));
  assert.ok((await copied(source, target)).copied > 0);
  await sql(source, 'DELETE FROM runs', runSql('anew', '2099-01-01 00:00:00.000'));
  await assert.rejects(copied(source, target), fault('usage', /was made anew: it has no run of/));
});

test('a copy waits for no alerter, and leaves out runs that it turned away itself', async (t) => {
  const source = await filled(t);
  const target = fileBeside(source, 'copy.db');
  const now = "strftime('%Y-%m-%d %H:%M:%f', 'now')";
  await sql(source, `INSERT INTO leases VALUES ('alerter', 1, 'run 4711 mon-2', 0, ${now})`);
  await assert.rejects(copied(source, target), fault('locked', /an alerter is at work with sqlite:/));
  await sql(source, "UPDATE leases SET holder = ''");
  const overlapped = `INSERT INTO runs (id, program, outcome, collector_id, host, scope, config_digest, started_at)
    SELECT 'o' || COUNT(*), 'alert', 'overlapped', 'c', 'h', 'full', '', '2099-01-01 00:00:00.000' FROM runs`;
  await sql(source, overlapped);
  const result = await copied(source, target);
  assert.equal(result.tables.find(({ name }) => name === 'runs')?.rows, 1);
});

test('a figure that SQLite rounds does not make both databases differ for ever', async (t) => {
  const source = await filled(t);
  const target = fileBeside(source, 'copy.db');
  await sql(source, 'UPDATE stats SET load5 = 1.5e-300, load15 = 0.9999999999999999 WHERE id = 5');
  const result = await copied(source, target);
  assert.equal(result.tables.find(({ name }) => name === 'stats')?.rows, clients * 2 + 2);
});

test('databases of different versions are not copied', async (t) => {
  const source = await filled(t);
  const target = fileBeside(source, 'copy.db');
  await copied(source, target);
  await sql(target, `INSERT INTO migrations VALUES (99, 1, '099-later', 'x', 1, '', '')`);
  await assert.rejects(
    copied(source, target),
    fault('migration-mismatch', /has \d+ migrations, the other \d+\. Use the newer/),
  );
});

test('a silence or an acknowledgement that was made in the copy is replaced only when that is said', async (t) => {
  const source = await filled(t);
  const target = fileBeside(source, 'copy.db');
  await copied(source, target);
  const later = "'2126-11-20 12:00:00.000'";
  const silence = `INSERT INTO silences (client, rule, subject, starts_at, ends_at, author, comment)
    VALUES ('web-9', '*', '*', ${later}, ${later}, 'kim', '')`;
  const acknowledge = `UPDATE alerts SET acknowledged_by = 'kim', acknowledged_at = ${later} WHERE id = 1`;
  await sql(target, silence, acknowledge);
  const says = /made since it was copied: silence \d+ of web-9, acknowledgement of alert 1 of .*--overwrite/;
  await assert.rejects(copied(source, target), fault('usage', says));
  await sql(source, silence, acknowledge);
  await copied(source, target);
  await sql(target, "UPDATE alerts SET acknowledged_by = 'robin' WHERE id = 1");
  await assert.rejects(copied(source, target), fault('usage', /copied: acknowledgement of alert 1 of/));
  await copied(source, target, { overwrite: true });
  await assertEqualRows(source, target);
  await sql(source, "UPDATE silences SET client = 'web-10' WHERE client = 'web-9'");
  await copied(source, target);
  await sql(source, "DELETE FROM silences WHERE client = 'web-10'");
  await copied(source, target);
  await sql(target, silence);
  await assert.rejects(
    copied(source, target),
    fault('usage', /copied: silence \d+ of web-9\./),
    'the id is not used anew',
  );
});

test('the URL of a database is written as it is read', () => {
  const [user, database, password] = ['fl@et', 'a b', null];
  const hosts = [
    { host: '2001:db8::1', port: 3306 },
    { host: 'db-2', port: 3307 },
  ];
  const url = nameOf({ ...mysqlAt(3306, ''), user, database, hosts });
  assert.equal(url, 'mysql://fl%40et@[2001:db8::1]:3306,db-2:3307/a%20b');
  assert.deepEqual(parseStorageUrl(url), { kind: 'mysql', user, password, hosts, database });
});
