/** The SQL of SQLite, run by SQLite. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { sqliteDialect } from '../../../../src/storage/dialects/sqlite/dialect.ts';
import { openSqliteDatabase } from '../../../../src/storage/dialects/sqlite/database.ts';
import type { Database, SqlValue } from '../../../../src/storage/sql/database.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

async function opened(t: TestContext, ...statements: readonly string[]): Promise<Database> {
  const database = await openSqliteDatabase({ path: path.join(tempFolder(t), 'fleet.db') });
  t.after(() => database.close());
  for (const statement of statements) await database.write((session) => session.run(statement));
  return database;
}

const time = "'2026-03-01 09:59:58.250'";

/** Expressions, with their values. */
const expressions: readonly (readonly [sql: string, value: SqlValue])[] = [
  [sqliteDialect.unixSeconds(time), Date.UTC(2026, 2, 1, 9, 59, 58) / 1000],
  [sqliteDialect.quotient('7', 2), 3],
  [sqliteDialect.quotient('-7', 2), -3],
  [sqliteDialect.spanOf('hour', time), '2026-03-01 09:00:00'],
  [sqliteDialect.spanOf('day', time), '2026-03-01'],
  [sqliteDialect.dayBefore(time), '2026-02-28 09:59:58.250'],
  [sqliteDialect.dayBefore("'2024-03-01 00:00:00.000'"), '2024-02-29 00:00:00.000'],
];

test('expressions have the values that their names say', async (t) => {
  const database = await opened(t);
  for (const [sql, value] of expressions) {
    const [row] = await database.readOnly(`SELECT ${sql} AS value`);
    assert.equal(row?.['value'], value, sql);
  }
});

test('the clock is that of this machine in UTC, with milliseconds, and far ahead begins in an hour', async (t) => {
  const database = await opened(t);
  const beforeMs = Date.now();
  const [row] = await database.readOnly(`SELECT ${sqliteDialect.now} AS now, ${sqliteDialect.farAhead} AS far`);
  const atMs = (name: string): number => Date.parse(`${String(row?.[name]).replace(' ', 'T')}Z`);
  assert.match(String(row?.['now']), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/);
  assert.ok(atMs('now') >= beforeMs - 1 && atMs('now') <= Date.now() + 1);
  assert.equal(atMs('far') - atMs('now'), 3_600_000);
});

test('a row whose key exists is changed by what was to be inserted', async (t) => {
  const database = await opened(t, 'CREATE TABLE seen (client TEXT PRIMARY KEY, n INTEGER, first INTEGER)');
  const merge = sqliteDialect.onConflict('client', [`n = n + ${sqliteDialect.incoming('n')}`]);
  for (const n of [1, 20]) {
    await database.write((session) => session.run(`INSERT INTO seen VALUES ('a', ?, ?)${merge}`, [n, n]));
  }
  assert.deepEqual([...(await database.readOnly('SELECT n, first FROM seen'))].map(Object.values), [[21, 1]]);
});

test('a view is made in place of one that is there', async (t) => {
  const database = await opened(t);
  for (const value of ['1', '2']) {
    for (const sql of sqliteDialect.replaceView('ones', `SELECT ${value} AS one`)) {
      await database.migrate((session) => session.run(sql));
    }
  }
  assert.equal((await database.readOnly('SELECT one FROM ones'))[0]?.['one'], 2);
});

test('objects are described by their kind, and by a definition without what formatters change', async (t) => {
  const database = await opened(
    t,
    'CREATE TABLE a (\n  id INTEGER ,\n  name TEXT\n)',
    'CREATE INDEX a_name ON a(name)',
    'CREATE VIEW a_view AS SELECT id FROM a',
  );
  const named = (...names: readonly string[]) => database.read((session) => sqliteDialect.schema(session, names));
  assert.deepEqual(await named('a_view', 'a', 'other', 'a_name'), [
    { name: 'a', kind: 'table', definition: 'CREATE TABLE a(id INTEGER,name TEXT)' },
    { name: 'a_name', kind: 'index', definition: 'CREATE INDEX a_name ON a(name)' },
    { name: 'a_view', kind: 'view', definition: 'CREATE VIEW a_view AS SELECT id FROM a' },
  ]);
});

test('a counter is the next id, also of a table without a row', async (t) => {
  const database = await opened(t, 'CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER)');
  const counter = (): Promise<number> => database.read((session) => sqliteDialect.counter(session, 'a'));
  assert.equal(await counter(), 1);
  await database.migrate((session) => sqliteDialect.setCounter(session, 'a', 41));
  await database.migrate((session) => sqliteDialect.setCounter(session, 'a', 42));
  assert.equal(await counter(), 42);
  await database.write((session) => session.run('INSERT INTO a (n) VALUES (1)'));
  assert.deepEqual([(await database.readOnly('SELECT id FROM a'))[0]?.['id'], await counter()], [42, 43]);
});

/** Statements with their parts that are strings, quoted names or comments. */
const quoted: readonly (readonly [sql: string, parts: readonly string[]])[] = [
  ["SELECT 'a;''b' FROM t", ["'a;''b'"]],
  ['SELECT "a;""b", `c;`, [d;]', ['"a;""b"', '`c;`', '[d;]']],
  ['SELECT 1 -- a; b\n, 2', ['-- a; b']],
  ['SELECT /* a;\n b */ 1 /* open ;', ['/* a;\n b */', '/* open ;']],
  ['SELECT 1; SELECT 2', []],
];
for (const [sql, parts] of quoted) {
  test(`the quoted parts of ${JSON.stringify(sql)}`, () => {
    assert.deepEqual(sql.match(sqliteDialect.quoted) ?? [], parts);
  });
}

test('a file of this kind shrinks by itself, and gives back its free pages', async (t) => {
  const database = await opened(t, 'CREATE TABLE a (text TEXT)');
  await database.write((session) => session.run('INSERT INTO a VALUES (?)', ['x'.repeat(1_000_000)]));
  await database.write((session) => session.run('DELETE FROM a'));
  const [before, , after] = [await database.space(), await database.reclaim?.(), await database.space()];
  assert.ok(before !== null && after !== null);
  assert.ok(before.shrinks && before.freeBytes > 900_000 && before.sizeBytes > before.freeBytes);
  assert.deepEqual([after.freeBytes, after.sizeBytes < 100_000], [0, true]);
});

test('a statement that only reads may not write, and writing goes on after it', async (t) => {
  const database = await opened(t, 'CREATE TABLE a (n INTEGER)');
  await assert.rejects(database.readOnly('INSERT INTO a VALUES (1)'), { code: 'storage-read-only' });
  await database.write((session) => session.run('INSERT INTO a VALUES (2)'));
  assert.equal((await database.readOnly('SELECT n FROM a'))[0]?.['n'], 2);
  assert.match((await database.describe?.()) ?? '', /^the file \/.*fleet\.db$/);
});

test('what a transaction did is undone if its work throws', async (t) => {
  const database = await opened(t, 'CREATE TABLE a (n INTEGER)');
  const failed = database.write(async (session) => {
    await session.run('INSERT INTO a VALUES (1)');
    throw new Error('no');
  });
  await assert.rejects(failed, /^Error: no$/);
  assert.deepEqual(await database.readOnly('SELECT n FROM a'), []);
});
