import assert from 'node:assert/strict';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import {
  isSqliteBusy,
  openSqlite,
  rowReader,
  sqliteResultCode,
  type SqliteStatement,
} from '../../src/platform/sqlite.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { assertWithin } from '../support/within.ts';

const dir = tempFolder();

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (thrown) {
    return thrown;
  }
  return null;
}

test('a new file belongs to its owner alone, whatever the umask; an old one keeps its mode', () => {
  const umask = process.umask(0);
  try {
    const file = path.join(dir, 'new.db');
    openSqlite(file).close();
    assert.equal(statSync(file).mode & 0o777, 0o600);
    chmodSync(file, 0o640);
    openSqlite(file).close();
    assert.equal(statSync(file).mode & 0o777, 0o640);
  } finally {
    process.umask(umask);
  }
});

test("somebody else's lock is an error at once, recognised in every way of asking", () => {
  const file = path.join(dir, 'busy.db');
  const holder = openSqlite(file);
  holder.exec('CREATE TABLE t (a INTEGER)');
  holder.exec('BEGIN EXCLUSIVE');
  const other = openSqlite(file);
  const ways = [
    () => other.exec('BEGIN IMMEDIATE'),
    () => other.prepare('SELECT a FROM t').all(),
    () => other.prepare('SELECT a FROM t').get(),
    () => other.prepare('INSERT INTO t VALUES (?)').run(1),
  ];
  const startedAt = performance.now();
  for (const way of ways) assert.equal(isSqliteBusy(thrownBy(way)), true, String(way));
  assertWithin(startedAt, 1000);
  holder.exec('ROLLBACK');
  other.exec('BEGIN IMMEDIATE');
  other.close();
  holder.close();
});

test('a reader of rows returns what the statement does, with and without arrays', () => {
  const database = openSqlite(':memory:');
  database.exec("CREATE TABLE t (a INTEGER, b TEXT, c BLOB); INSERT INTO t VALUES (1, 'x', x'00'), (NULL, '', NULL)");
  for (const sql of [
    'SELECT a, b, c FROM t',
    'SELECT a AS b, b FROM t',
    'SELECT a FROM t WHERE a = ?',
    'DELETE FROM t',
  ]) {
    const values = sql.includes('?') ? [1] : [];
    const plain = database.prepare(sql);
    const expected = plain.all(...values).map((row) => ({ ...row }));
    assert.deepEqual(rowReader(database.prepare(sql))(...values), expected, sql);
    const old: SqliteStatement = { run: () => assert.fail(), get: () => assert.fail(), all: () => expected };
    assert.equal(rowReader(old)(), expected);
  }
  database.close();
});

test('result codes are read from whatever was thrown', () => {
  const file = path.join(dir, 'codes.db');
  const database = openSqlite(file);
  database.exec('CREATE TABLE t (a INTEGER UNIQUE CHECK (a < 10))');
  const insert = database.prepare('INSERT INTO t VALUES (?)');
  assert.equal(sqliteResultCode(thrownBy(() => database.exec('nonsense'))), 1);
  assert.equal(sqliteResultCode(thrownBy(() => insert.run(11))), 19);
  const reader = openSqlite(file, { readOnly: true });
  assert.equal(sqliteResultCode(thrownBy(() => reader.prepare('DELETE FROM t').run())), 8);
  assert.equal(sqliteResultCode(thrownBy(() => reader.prepare('DELETE FROM t').all())), 8);
  assert.equal(sqliteResultCode(new Error('database is locked')), null);
  assert.equal(sqliteResultCode('database is locked'), null);
  const text = path.join(dir, 'text');
  writeFileSync(text, 'x'.repeat(4096));
  assert.equal(sqliteResultCode(thrownBy(() => openSqlite(text).prepare('SELECT * FROM t').all())), 26);
  assert.equal(sqliteResultCode(thrownBy(() => openSqlite(path.join(dir, 'missing.db'), { readOnly: true }))), 14);
  reader.close();
  database.close();
});

test('a folder that is not there is an error of the file system', () => {
  assert.equal((thrownBy(() => openSqlite(path.join(dir, 'no', 'such.db'))) as { code?: string }).code, 'ENOENT');
});

test('warnings go on being given out', async () => {
  openSqlite(':memory:').close();
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  process.emitWarning('a warning of somebody else');
  assert.equal((await warned).message, 'a warning of somebody else');
});
