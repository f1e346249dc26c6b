// Second tier: schemas of every earlier kind on both databases.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { createConnection } from 'mysql2/promise';

import type { StorageConfig } from '../../../src/config/config.ts';
import { sqlDir } from '../../../src/state-folder/paths.ts';
import { openSqlite } from '../../../src/platform/sqlite.ts';
import { checkMigrations, migrate, migrateDatabase } from '../../../src/storage/migrate/migrate.ts';
import { readMigrations } from '../../../src/storage/migrate/migration-files.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item } from '../support/samples.ts';

const all = readMigrations('sqlite').map(({ name }) => name);

onEachDatabase('tables that somebody made by running the files of sql/', (kit) => {
  test('are adopted: all steps are recorded, reports are stored, and nothing is left behind', async () => {
    const storage = await made();
    assert.deepEqual(await migrate({ storage }), { pending: [], applied: all, problems: [], adopted: all });
    assert.deepEqual(await migrate({ storage }), { pending: [], applied: all, problems: [] });
    const open = await openStorage({ storage, migrate: false });
    assert.deepEqual(await open.reports.ingest([item()]), [{ kind: 'stored' }]);
    await open.close();
    assert.deepEqual(await copies(storage), []);
  });

  test('are adopted as far as they go, and the rest is applied', async () => {
    const storage = await made();
    const later = {
      number: all.length + 1,
      name: '099-later',
      digest: 'd'.repeat(64),
      steps: ['CREATE TABLE later (id INTEGER NOT NULL PRIMARY KEY)'],
    };
    const database = await openDatabase({ storage, program: 'change' });
    const state = await migrateDatabase(database, [...readMigrations(kit.kind), later]);
    await database.close();
    assert.deepEqual(
      { adopted: state.adopted, pending: state.pending, applied: state.applied },
      { adopted: all, pending: [], applied: [...all, later.name] },
    );
  });

  test('are adopted with the rows that they hold, also by a program that starts', async () => {
    const storage = await made();
    await run(storage, "INSERT INTO clients (name, first_seen) VALUES ('web-1', '2026-01-01 00:00:00.000')");
    const open = await openStorage({ storage, migrate: true });
    assert.deepEqual([...(await open.reports.clientFacts()).keys()], ['web-1']);
    await open.close();
  });

  for (const { what, sql, words } of [
    { what: 'a column more', sql: 'ALTER TABLE stats ADD COLUMN extra INTEGER', words: /in order: stats is another$/ },
    { what: 'a view less', sql: 'DROP VIEW collected_stats', words: /in order: collected_stats is missing$/ },
  ] as const) {
    test(`are refused where they have ${what}, as often as it is tried, and stay as they are, without a table more`, async () => {
      const storage = await made();
      await run(storage, sql);
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        await assert.rejects(migrate({ storage }), { code: 'migration-mismatch', message: words });
      }
      assert.deepEqual((await checkMigrations({ storage })).applied, []);
      assert.deepEqual(await copies(storage), []);
      assert.deepEqual(await tables(storage, 'migrations'), []);
    });
  }

  async function made(): Promise<StorageConfig> {
    const storage = await kit.create();
    const folder = path.join(sqlDir, kit.kind);
    for (const name of readdirSync(folder).sort()) {
      await run(storage, readFileSync(path.join(folder, name), 'utf8'));
    }
    return storage;
  }

  /** Runs SQL as another program does: without the settings of this project. */
  async function run(storage: StorageConfig, sql: string): Promise<void> {
    if (storage.path !== null) {
      const file = openSqlite(storage.path);
      file.exec(sql);
      file.close();
      return;
    }
    if (!('hosts' in storage)) throw new Error('no server');
    const { hosts, user, database, password } = storage;
    const connection = await createConnection({
      ...hosts[0],
      user,
      database,
      password: password?.reveal() ?? '',
      multipleStatements: true,
      charset: 'latin1_swedish_ci',
    });
    await connection.query(sql);
    await connection.end();
  }

  async function copies(storage: StorageConfig): Promise<readonly unknown[]> {
    return tables(storage, 'adopting_');
  }

  /** Returns the tables and views whose names begin with a text. */
  async function tables(storage: StorageConfig, beginning: string): Promise<readonly unknown[]> {
    const database = await openDatabase({ storage, program: 'change' });
    const rows = await database.readOnly(kit.own.tables);
    await database.close();
    assert.ok(rows.length >= all.length);
    return rows.filter(({ name }) => String(name).startsWith(beginning));
  }
});
