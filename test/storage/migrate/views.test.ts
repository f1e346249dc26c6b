import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import type { StorageConfig } from '../../../src/config/config.ts';
import { mariadbDialect } from '../../../src/storage/dialects/mysql/dialect.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { sqliteDialect } from '../../../src/storage/dialects/sqlite/dialect.ts';
import { readMigrations } from '../../../src/storage/migrate/migration-files.ts';
import { migrateDatabase } from '../../../src/storage/migrate/migrate.ts';
import { viewStatements } from '../../../src/storage/migrate/views.ts';
import { rollupColumns, rollupSources } from '../../../src/storage/sql/rollups.ts';
import type { Database, Dialect, SchemaObject } from '../../../src/storage/sql/database.ts';
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

  for (const [what, made] of [
    ['before they were', 0],
    ['amid them', 7],
  ] as const) {
    test(`are made by whoever goes on after a crash ${what}`, { skip: skipOf(kit) }, async () => {
      await opened(await kit.create(), async (database) => {
        const files = readMigrations(kit.kind);
        await migrateDatabase(database, files);
        const last = `number = ${files.length} AND step = ${files.at(-1)?.steps.length ?? 0}`;
        await database.migrate(async (session) => {
          await session.run(`UPDATE migrations SET applied_at = NULL WHERE ${last}`);
          for (const statement of viewStatements(session.dialect).slice(0, made)) await session.run(statement);
        });
        assert.deepEqual((await migrateDatabase(database)).pending, []);
        await viewsOf(database);
      });
    });

    test(`and of an adoption that crashed ${what}`, { skip: skipOf(kit) }, async () => {
      await opened(await kit.create(), async (database) => {
        const files = readMigrations(kit.kind);
        await database.migrate(async (session) => {
          for (const step of files.flatMap(({ steps }) => steps)) await session.run(step);
        });
        const cut = new Error('cut off');
        const views = await database.read(({ dialect }) => Promise.resolve(viewStatements(dialect)));
        await assert.rejects(migrateDatabase(cutOff(database, views[made] ?? '', cut)), cut);
        assert.deepEqual((await migrateDatabase(database)).pending, []);
        await viewsOf(database);
      });
    });
  }
});

test('the words of views change with a migration alone, for nothing else brings them to a database', () => {
  // Their figures are columns, which come with a migration.
  const fixed = (dialect: Dialect): readonly string[] =>
    viewStatements(dialect).filter((statement) => !/ (?:stats|disk_stats|network_stats)_by_/.test(statement));
  const digests = [sqliteDialect, mariadbDialect].map((dialect) =>
    createHash('sha256').update(fixed(dialect).join('\n')).digest('hex').slice(0, 12),
  );
  assert.deepEqual(digests, ['8ddc50d4c46b', '3a83dc60a9ef'], 'add a migration, and these digests');
});

/** Returns a database whose server ends before a statement of a migration. */
function cutOff(database: Database, before: string, fault: Error): Database {
  return {
    ...database,
    read: (work) => database.read(work),
    migrate: (work) =>
      database.migrate((session) =>
        work({ ...session, run: (sql, values) => (sql === before ? Promise.reject(fault) : session.run(sql, values)) }),
      ),
  };
}

function skipOf({ own }: Kit): string | false {
  // A migration of MariaDB takes seconds of CPU.
  return !own.isCheap && !isWide && 'npm run test:wide';
}
