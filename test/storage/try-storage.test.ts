/** The trial of an SQLite database by `check --connect`. The rights on a server: test/cli/check-storage.test.ts. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';

import type { StorageConfig } from '../../src/config/config.ts';
import { openSqlite } from '../../src/platform/sqlite.ts';
import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { migrateDatabase } from '../../src/storage/migrate/migrate.ts';
import { readMigrations } from '../../src/storage/migrate/migration-files.ts';
import { tryStorage } from '../../src/storage/try-storage.ts';
import { makeMigrated } from '../support/databases/migrated.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { sqliteConfig } from './support/sqlite-config.ts';

const newFile = (t: TestContext): string => path.join(tempFolder(t), 'fleet.db');

async function migratedFile(t: TestContext): Promise<string> {
  const file = newFile(t);
  await makeMigrated(sqliteConfig(file));
  return file;
}

function change(file: string, ...statements: readonly string[]): void {
  const handle = openSqlite(file);
  for (const sql of statements) handle.exec(sql);
  handle.close();
}

/** Returns what a database has beside its rows, and the numbers that it has given. */
function objectsOf(file: string): readonly unknown[] {
  const handle = openSqlite(file);
  const all = [...handle.prepare('SELECT name FROM sqlite_master').all()];
  const numbers = handle.prepare('SELECT name, seq FROM sqlite_sequence').all();
  handle.close();
  return [...all, ...numbers];
}

const tried = (file: string, more: Partial<StorageConfig> = {}, open = true): Promise<readonly string[]> =>
  tryStorage({ storage: { ...sqliteConfig(file), ...more } as StorageConfig, open });

describe('the trial of a file that is not there', () => {
  test('makes none, if the first run may', async (t) => {
    const file = newFile(t);
    assert.deepEqual(await tried(file), []);
    assert.deepEqual(readdirSync(path.dirname(file)), []);
  });

  test('fails where nobody may migrate', async (t) => {
    await assert.rejects(tried(newFile(t), { migrate: false }), { code: 'migration-mismatch' });
  });
});

describe('the trial of a file', () => {
  test('changes nothing, and closes the database', async (t) => {
    const file = await migratedFile(t);
    const before = objectsOf(file);
    const writer = openSqlite(file);
    t.after(() => writer.close());
    writer.exec("INSERT INTO client_labels VALUES ('web-1', 'site', 'ber')");
    assert.ok(statSync(`${file}-wal`).size > 0);
    assert.deepEqual(await tried(file, { migrate: false }), []);
    assert.deepEqual(objectsOf(file), before);
    // Closing copies the log into the file.
    assert.equal(existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0, 0);
  });

  test('of an older version tries to change its schema, and leaves it as it was', async (t) => {
    const file = newFile(t);
    const database = await openDatabase({ storage: sqliteConfig(file), program: 'change' });
    try {
      await migrateDatabase(database, readMigrations('sqlite').slice(0, 12));
    } finally {
      await database.close();
    }
    const before = objectsOf(file);
    assert.deepEqual(await tried(file), []);
    assert.deepEqual(objectsOf(file), before);
    await assert.rejects(tried(file, { migrate: false }), { code: 'migration-mismatch' });
    // A run that was killed may have left the table.
    change(file, 'CREATE TABLE fleet_health_trial (id INTEGER)');
    assert.deepEqual(await tried(file), []);
    assert.deepEqual(objectsOf(file), before);
    change(file, 'CREATE TABLE other (id INTEGER)', 'CREATE INDEX fleet_health_trial_other ON other (id)');
    await assert.rejects(tried(file), /fleet_health_trial_other already exists/);
  });

  test('with tables and without a record of migrations says so: a dump was restored in part', async (t) => {
    const whole = await migratedFile(t);
    const definition = openSqlite(whole);
    const { sql } = definition.prepare("SELECT sql FROM sqlite_master WHERE name = 'clients'").get() as { sql: string };
    definition.close();
    const file = newFile(t);
    change(file, sql);
    const [note = '', ...others] = await tried(file);
    assert.match(note, /^the database has 1 table of Fleet Health, clients, and no record of a migration: .* migrate/);
    assert.deepEqual(others, []);
    assert.deepEqual(await tried(whole), []);
  });

  test('of this version tries no change of the schema, for which its account may lack the rights', async (t) => {
    const file = await migratedFile(t);
    change(file, 'CREATE TABLE other (id INTEGER)', 'CREATE INDEX fleet_health_trial_other ON other (id)');
    assert.deepEqual(await tried(file), []);
  });
});

/** The changes that a collector makes to a table: one that opens reports, or one that stores them sealed. */
const changes: readonly { readonly table: string; readonly open: boolean; readonly needed: readonly string[] }[] = [
  { table: 'runs', open: false, needed: ['INSERT', 'UPDATE'] },
  { table: 'visits', open: false, needed: ['INSERT', 'UPDATE'] },
  { table: 'clients', open: false, needed: ['INSERT', 'UPDATE'] },
  { table: 'sealed_reports', open: false, needed: ['INSERT'] },
  { table: 'stats', open: false, needed: [] },
  { table: 'stats', open: true, needed: ['INSERT', 'UPDATE', 'DELETE'] },
];

describe('the trial needs the changes that the collector makes', () => {
  /** Puts a view in the place of a table: SQLite accepts the changes of the view that have a trigger, and no others. */
  function allowOnly(file: string, table: string, allowed: readonly string[]): void {
    const key = table === 'clients' ? 'name' : 'id';
    const triggers = allowed.map(
      (word) => `CREATE TRIGGER allow_${word} INSTEAD OF ${word} ON ${table} BEGIN SELECT 1; END`,
    );
    change(file, `DROP TABLE ${table}`, `CREATE VIEW ${table} AS SELECT 1 AS ${key}`, ...triggers);
  }

  for (const { table, open, needed } of changes) {
    test(`${needed.join(', ') || 'nothing'} of ${table}, ${open ? 'opened' : 'sealed'}`, async (t) => {
      const file = await migratedFile(t);
      allowOnly(file, table, needed);
      assert.deepEqual(await tried(file, {}, open), []);
      for (const word of needed) {
        change(file, `DROP TRIGGER allow_${word}`);
        await assert.rejects(tried(file, {}, open), new RegExp(`cannot modify ${table} because it is a view`), word);
        change(file, `CREATE TRIGGER allow_${word} INSTEAD OF ${word} ON ${table} BEGIN SELECT 1; END`);
      }
    });
  }

  test('of the tables that are there: an account may not see the others', async (t) => {
    const file = await migratedFile(t);
    change(file, 'DROP TABLE sealed_reports');
    assert.deepEqual(await tried(file, {}, false), []);
  });
});
