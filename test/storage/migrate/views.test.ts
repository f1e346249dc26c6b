import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { StorageConfig } from '../../../src/config/config.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { readMigrations } from '../../../src/storage/migrate/migration-files.ts';
import { migrateDatabase } from '../../../src/storage/migrate/migrate.ts';
import { viewStatements } from '../../../src/storage/migrate/views.ts';
import { rollupColumns, rollupSources } from '../../../src/storage/sql/rollups.ts';
import type { Database, SchemaObject } from '../../../src/storage/sql/database.ts';
import { createdName } from '../../../src/storage/sql/schema-objects.ts';
import { isWide } from '../../support/long-tests.ts';
import { onEachDatabase, type Kit } from '../support/databases.ts';

/** The number of migrations of the last program whose views were made by its files. */
const filesBefore = 23;

async function opened<T>(storage: StorageConfig, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase({ storage, program: 'change' });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** Returns the views of figures of a database, without the name of the database before each table. */
function viewsOf(database: Database): Promise<readonly SchemaObject[]> {
  return database.read(async (session) => {
    const names = viewStatements(session.dialect).flatMap((statement) => createdName(statement) ?? []);
    const views = await session.dialect.schema(session, names);
    assert.deepEqual(views.map(({ name }) => name).toSorted(), names.toSorted());
    return views.map((view) => ({ ...view, definition: view.definition.replace(/`fleet_\w+`\./g, '') }));
  });
}

onEachDatabase('the views of figures', (kit) => {
  kit.it('have the columns of the rollups by hour and by day, in their order', async ({ database }) => {
    for (const source of rollupSources) {
      for (const span of ['hour', 'day'] as const) {
        const [all] = await database.readOnly(`SELECT v.* FROM (SELECT 1 AS one) AS o
          LEFT JOIN ${source.table}_by_${span} v ON 1 = 1`);
        assert.deepEqual(Object.keys(all ?? {}), rollupColumns(source, span));
      }
    }
  });

  test('of a database that was upgraded are those of a new one', async () => {
    const made = await opened(await kit.migrated(), viewsOf);
    const upgraded = await opened(await kit.create(), async (database) => {
      await migrateDatabase(database, readMigrations(kit.kind).slice(0, filesBefore));
      assert.notDeepEqual(await viewsOf(database), made);
      await migrateDatabase(database);
      return await viewsOf(database);
    });
    assert.deepEqual(upgraded, made);
  });

  test('are made by whoever goes on after a crash before they were', { skip: skipOf(kit) }, async () => {
    await opened(await kit.create(), async (database) => {
      const files = readMigrations(kit.kind);
      await migrateDatabase(database, files);
      const last = `number = ${files.length} AND step = ${files.at(-1)?.steps.length ?? 0}`;
      await database.migrate((session) => session.run(`UPDATE migrations SET applied_at = NULL WHERE ${last}`));
      assert.deepEqual((await migrateDatabase(database)).pending, []);
      await viewsOf(database);
    });
  });
});

function skipOf({ own }: Kit): string | false {
  // A migration of MariaDB takes seconds of CPU.
  return !own.isCheap && !isWide && 'npm run test:wide';
}
