import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { backUpSqlite } from '../../../src/storage/dialects/sqlite/back-up.ts';
import { openSqlite, type SqliteDatabase } from '../../../src/platform/sqlite.ts';
import { configFolder, exits, runCli, succeeded, type CliResult } from '../../support/programs/run-cli.ts';

interface Place {
  readonly dir: string;
  readonly database: string;
  readonly backup: (...args: readonly string[]) => Promise<CliResult>;
}

function place(t: TestContext, storage = ''): Place {
  const dir = configFolder(t, `<config>${storage}<client ip="192.0.2.1"/></config>`);
  mkdirSync(path.join(dir, 'state'), { mode: 0o700 });
  return {
    dir,
    database: path.join(dir, 'state', 'fleet.db'),
    backup: (...args) => runCli(['-c', path.join(dir, 'config.xml'), 'backup', ...args], { cwd: dir }),
  };
}

/** Opens a database like the collector's: the content of its write-ahead log is not in the file yet. */
function inUse(file: string): SqliteDatabase {
  const database = openSqlite(file);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE numbers (n INTEGER); INSERT INTO numbers VALUES (1), (2)');
  return database;
}

function numbersIn(file: string): readonly unknown[] {
  const database = openSqlite(file, { readOnly: true });
  try {
    assert.deepEqual(
      database
        .prepare('PRAGMA integrity_check')
        .all()
        .map((row) => row['integrity_check']),
      ['ok'],
    );
    return database
      .prepare('SELECT n FROM numbers ORDER BY n')
      .all()
      .map(({ n }) => n);
  } finally {
    database.close();
  }
}

test('what is committed is copied, while a writer is in the middle of more', async (t) => {
  const { dir, database, backup } = place(t);
  const writer = inUse(database);
  t.after(() => writer.close());
  writer.exec('BEGIN IMMEDIATE; INSERT INTO numbers VALUES (3)');
  const stdout = await succeeded(backup('copy.db'));
  assert.match(stdout, /copy\.db: the database as it was just now, \d+ KiB\.\n$/);
  const file = path.join(dir, 'copy.db');
  assert.equal(lstatSync(file).mode & 0o777, 0o600);
  writer.exec('COMMIT');
  assert.deepEqual(numbersIn(file), [1, 2]);
  assert.deepEqual(readdirSync(dir).sort(), ['config.xml', 'copy.db', 'state']);
  const json = JSON.parse((await backup('other.db', '--json')).stdout) as Record<string, unknown>;
  assert.deepEqual([json['command'], json['file']], ['backup', path.join(dir, 'other.db')]);
  assert.deepEqual(numbersIn(path.join(dir, 'other.db')), [1, 2, 3]);
});

test('nothing is overwritten, nor written through a symbolic link', async (t) => {
  const { dir, database, backup } = place(t);
  inUse(database).close();
  writeFileSync(path.join(dir, 'there'), 'mine');
  symlinkSync(path.join(dir, 'there'), path.join(dir, 'link'));
  symlinkSync(path.join(dir, 'nowhere'), path.join(dir, 'dangling'));
  for (const name of ['there', 'link', 'dangling', 'state']) {
    await exits(2, backup(name), new RegExp(`^fleet-health: .*/${name} is there already \\(usage\\)\\..*\\n$`));
  }
  assert.equal(readFileSync(path.join(dir, 'there'), 'utf8'), 'mine');
  assert.deepEqual(readdirSync(dir).sort(), ['config.xml', 'dangling', 'link', 'state', 'there']);
});

test('what cannot be done is one line', async (t) => {
  const { dir, database, backup } = place(t);
  await exits(3, backup('copy.db'), /^fleet-health: .*fleet\.db is not there yet.*\(storage-unavailable\)\..*\n$/);
  writeFileSync(database, 'no database'.repeat(1000), { mode: 0o600 });
  await exits(3, backup('copy.db'), /^fleet-health: .*fleet\.db: file is not a database.*\n$/);
  await exits(2, backup('no/such/copy.db'), /copy\.db cannot be written: its folder does not exist/);
  assert.deepEqual(readdirSync(dir).sort(), ['config.xml', 'state']);
  const server = place(t, '<storage url="mysql://fleet@db/fleet"/>');
  await exits(2, server.backup('copy.db'), /Run: mysqldump --single-transaction --no-tablespaces fleet /);
});

test('a database that somebody has to himself is waited for', async (t) => {
  const { dir, database } = place(t);
  const holder = inUse(database);
  holder.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  const { signal } = new AbortController();
  const target = path.join(dir, 'copy.db');
  const made = backUpSqlite({ source: database, target, signal });
  setTimeout(() => holder.exec('COMMIT'), 150);
  assert.ok((await made) > 0);
  holder.close();
  assert.deepEqual(numbersIn(target), [1, 2]);
});
