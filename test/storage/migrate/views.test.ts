// Second tier: every object that bears the name of a view.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';

import type { StorageConfig } from '../../../src/config/config.ts';
import { mariadbDialect } from '../../../src/storage/dialects/mysql/dialect.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { sqliteDialect } from '../../../src/storage/dialects/sqlite/dialect.ts';
import { readMigrations } from '../../../src/storage/migrate/migration-files.ts';
import { migrate, migrateDatabase } from '../../../src/storage/migrate/migrate.ts';
import { viewStatements } from '../../../src/storage/migrate/views.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { tryStorage } from '../../../src/storage/try-storage.ts';
import { rollupColumns, rollupSources } from '../../../src/storage/sql/rollups.ts';
import type { Database, Dialect, SchemaObject } from '../../../src/storage/sql/database.ts';
import { createdName } from '../../../src/storage/sql/schema-objects.ts';
import { serverName } from '../../support/databases/mariadb.ts';
import { isWide } from '../../support/long-tests.ts';
import { onEachDatabase, type Kit } from '../support/databases.ts';
import { item } from '../support/samples.ts';

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

/** Records the last step of all migrations as begun alone, so that the views are made again. */
function openLastSql({ kind }: Pick<Kit, 'kind'>): string {
  const files = readMigrations(kind);
  const last = `number = ${files.length} AND step = ${files.at(-1)?.steps.length ?? 0}`;
  return `UPDATE migrations SET applied_at = NULL WHERE ${last}`;
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

  for (const [what, name, createSql] of [
    ['a table', 'stats_by_day', 'CREATE TABLE stats_by_day (mine INTEGER PRIMARY KEY)'],
    ['a table that another view reads', 'latest_stats', 'CREATE TABLE latest_stats (mine INTEGER PRIMARY KEY)'],
    ['a view of their own', 'stats_by_day', 'CREATE VIEW stats_by_day AS SELECT client AS mine FROM stats'],
    ['a view like ours', 'latest_stats', "CREATE VIEW latest_stats AS SELECT * FROM stats WHERE client <> 'web-1'"],
    ...(kit.kind === 'sqlite'
      ? ([['an index', 'stats_by_day', 'CREATE INDEX stats_by_day ON stats (client)']] as const)
      : ([['a sequence', 'stats_by_day', 'CREATE SEQUENCE stats_by_day']] as const)),
  ] as const) {
    const dropSql = createSql.includes('SEQUENCE') ? `DROP SEQUENCE ${name}` : kit.own.dropOf(createSql);
    const unknownHere = createSql.includes('SEQUENCE') && serverName === 'MySQL' ? 'no sequences' : false;
    test(`leave ${what} of somebody alone, and storing goes on`, { skip: unknownHere }, async () => {
      const storage = await kit.migrated();
      const schema = (): Promise<readonly SchemaObject[]> =>
        opened(storage, (database) => database.read((session) => session.dialect.schema(session, [name])));
      await opened(storage, (database) =>
        database.migrate(async (session) => {
          await session.run(`DROP VIEW ${name}`);
          await session.run(createSql);
          await session.run(openLastSql(kit));
        }),
      );
      const theirs = await schema();
      const notes: string[] = [];
      const open = await openStorage({ storage, migrate: true, onNote: (note) => void notes.push(note) });
      assert.deepEqual(await open.reports.ingest([item()]), [{ kind: 'stored' }]);
      await open.close();
      const kind = theirs[0]?.kind ?? '';
      const stays = `the view ${name}, which people read, was not made: the ${kind} of that name is not of Fleet Health`;
      assert.ok(notes[0]?.startsWith(stays), notes.join('\n'));
      assert.match(notes[0] ?? '', /and stays\. Rename it, and run `fleet-health migrate`$/);
      assert.ok(notes.length <= 2);
      assert.deepEqual(await schema(), theirs);
      const again = (await migrate({ storage })).notes ?? [];
      assert.deepEqual(again, kind === 'view' ? [] : notes.slice(0, again.length));
      assert.equal(again.length > 0, kind !== 'view', 'what hinders a view is said as long as it is so');
      const checked = await tryStorage({ storage, open: true });
      assert.equal(checked.filter((note) => note.startsWith(stays)).length, kind === 'view' ? 0 : 1);

      await opened(storage, (database) => database.migrate((session) => session.run(dropSql)));
      assert.equal((await migrate({ storage })).notes, undefined);
      await opened(storage, viewsOf);
      await opened(storage, (database) => database.readOnly(`SELECT * FROM ${name}`));
    });
  }

  test('that an earlier program has made with fewer columns are made anew', async () => {
    const storage = await kit.migrated();
    const columns = await opened(storage, async (database) => {
      const made = await database.read(({ dialect }) => Promise.resolve(viewStatements(dialect)));
      const sql = made.find((one) => createdName(one) === 'check_stats_by_day') ?? '';
      const fewer = sql.replace(', state_max', '').replace(', state, CASE', ', CASE');
      assert.notEqual(fewer, sql);
      await database.migrate(async (session) => {
        await session.run('DROP VIEW check_stats_by_day');
        await session.run(fewer);
        await session.run(openLastSql(kit));
      });
      assert.equal((await migrateDatabase(database)).notes, undefined);
      const [row] = await database.readOnly(`SELECT v.* FROM (SELECT 1 AS one) AS o
        LEFT JOIN check_stats_by_day v ON 1 = 1`);
      return Object.keys(row ?? {});
    });
    const source = rollupSources.find(({ table }) => table === 'check_stats');
    assert.deepEqual(columns, source === undefined ? [] : rollupColumns(source, 'day'));
  });

  for (const [what, made] of [
    ['before they were', 0],
    ['amid them', 7],
  ] as const) {
    test(`are made by whoever goes on after a crash ${what}`, { skip: skipOf(kit) }, async () => {
      await opened(await kit.create(), async (database) => {
        const files = readMigrations(kit.kind);
        await migrateDatabase(database, files);
        await database.migrate(async (session) => {
          await session.run(openLastSql(kit));
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
