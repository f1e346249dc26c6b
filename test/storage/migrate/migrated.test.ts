/** Most tests get a copied database. It must equal one made by migrations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { checkDatabase, migrateDatabase } from '../../../src/storage/migrate/migrate.ts';
import type { Database, SchemaObject } from '../../../src/storage/sql/database.ts';
import { makeMigrated } from '../../support/databases/migrated.ts';
import { onEachDatabase, type Kit } from '../support/databases.ts';

async function withDatabase<T>(kit: Kit, isCopied: boolean, work: (database: Database) => Promise<T>): Promise<T> {
  const storage = await (isCopied ? kit.migrated() : kit.create());
  const database = await openDatabase({ storage, program: 'collect' });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

interface Content {
  readonly schema: readonly SchemaObject[];
  readonly rows: Readonly<Record<string, unknown>>;
}

/**
 * Returns a definition without the name of its database, which stands before each table in a view, and without the
 * character set that MySQL names where a statement named the collation.
 */
const bareDefinition = (definition: string): string =>
  definition.replace(/`fleet_\w+`\./g, '').replaceAll('CHARACTER SET utf8mb4 COLLATE', 'COLLATE');

/** Returns the schema of a database, with the rows of every table. */
async function contentOf({ own }: Kit, database: Database): Promise<Content> {
  return await database.read(async (session) => {
    const names = (await session.all(own.tables)).map(({ name }) => String(name)).sort();
    const rows: Record<string, unknown> = {};
    for (const name of names) {
      const columns = name === 'migrations' ? 'number, step, name, digest, major' : '*';
      rows[name] = (await session.all(`SELECT ${columns} FROM ${name}`)).map((row) => JSON.stringify(row)).sort();
    }
    const schema = await session.dialect.schema(session, names);
    return { schema: schema.map((one) => ({ ...one, definition: bareDefinition(one.definition) })), rows };
  });
}

onEachDatabase('a database that was copied', (kit) => {
  test('is the one that migrations make, and has nothing to migrate', async () => {
    const migrated = await withDatabase(kit, false, async (database) => {
      await migrateDatabase(database);
      return await contentOf(kit, database);
    });
    // The first database is migrated itself.
    for (let count = 0; count < 3; count += 1) {
      await withDatabase(kit, true, async (database) => {
        assert.deepEqual((await checkDatabase(database)).pending, []);
        assert.deepEqual(await contentOf(kit, database), migrated);
      });
    }
  });

  test('leaves a database alone that has tables', async () => {
    const storage = await kit.create();
    const database = await openDatabase({ storage, program: 'collect' });
    try {
      await database.migrate((session) => session.run('CREATE TABLE own (id INTEGER NOT NULL PRIMARY KEY)'));
      await makeMigrated(storage);
      const { schema } = await contentOf(kit, database);
      assert.deepEqual(
        schema.map(({ name }) => name),
        ['own'],
      );
    } finally {
      await database.close();
    }
  });
});
