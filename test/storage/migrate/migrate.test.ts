import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';

import type { StorageConfig } from '../../../src/config/config.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import { checkMigrations, migrate, migrateDatabase } from '../../../src/storage/migrate/migrate.ts';
import { readMigrations, splitStatements, type MigrationFile } from '../../../src/storage/migrate/migration-files.ts';
import { StorageFault } from '../../../src/storage/sql/fault.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { isWide } from '../../support/long-tests.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item } from '../support/samples.ts';
import { sqliteConfig } from '../support/sqlite-config.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const mismatch = { name: 'FleetError', code: 'migration-mismatch', exitStatus: 3 };
const all = readMigrations('sqlite').map(({ name }) => name);
const later: MigrationFile = {
  number: all.length + 1,
  name: '099-later',
  digest: 'd'.repeat(64),
  steps: ['CREATE TABLE later (id INTEGER NOT NULL PRIMARY KEY)', 'CREATE INDEX later_id ON later (id)'],
};

describe('migration files', () => {
  const dir = tempFolder();
  const folder = (files: Readonly<Record<string, string>>): string => {
    const sql = mkdtempSync(path.join(dir, 'sql-'));
    mkdirSync(path.join(sql, 'sqlite'));
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(sql, 'sqlite', name), text);
    return sql;
  };

  test('both folders hold the same names', () => {
    const names = (kind: 'sqlite' | 'mysql'): readonly string[] => readMigrations(kind).map(({ name }) => name);
    assert.deepEqual(names('sqlite'), names('mysql'));
    assert.ok(names('sqlite').length > 0);
  });

  test('comments, indentation and line ends are not part of the digest; statements are', () => {
    const digest = (text: string): string | undefined =>
      readMigrations('sqlite', folder({ '001-a.sql': text }))[0]?.digest;
    const one = digest('-- why\nCREATE TABLE a (\n  b TEXT\n);\n');
    assert.equal(digest('CREATE TABLE a (\r\n\tb TEXT\r\n);'), one);
    assert.notEqual(digest('CREATE TABLE a (c TEXT);'), one);
  });

  test('a file ends in as many steps as it has statements', () => {
    assert.deepEqual(splitStatements('CREATE TABLE a (b INT);\n\n-- c;\nCREATE INDEX d ON a (b);  \n'), [
      'CREATE TABLE a (b INT)',
      'CREATE INDEX d ON a (b)',
    ]);
  });

  test('white space inside of a string stays as it is, so that the files make the same views by hand', () => {
    const sql = "CREATE  VIEW a AS\n  SELECT '  ', 'it''s  ' FROM\n b;";
    assert.deepEqual(splitStatements(sql), ["CREATE VIEW a AS SELECT '  ', 'it''s  ' FROM b"]);
  });

  for (const [what, files, words] of [
    ['a gap', { '001-a.sql': 'SELECT 1;', '003-c.sql': 'SELECT 1;' }, /003-c\.sql: not the migration 2$/],
    ['a number that is there twice', { '001-a.sql': 'SELECT 1;', '001-b.sql': 'SELECT 1;' }, /not the migration 2$/],
    ['a name without a number', { 'first.sql': 'SELECT 1;' }, /first\.sql: not the migration 1$/],
    ['a file without a statement', { '001-a.sql': '-- nothing\n' }, /001-a\.sql: no statement$/],
  ] as const) {
    test(`${what} is a fault of the package`, () => {
      assert.throws(() => readMigrations('sqlite', folder(files)), { message: words });
    });
  }
});

onEachDatabase(
  'migrations',
  (kit) => {
    // A migration of MariaDB takes seconds of CPU.
    const wide = { skip: !kit.own.isCheap && !isWide && 'npm run test:wide' };

    test('a new database is pending, then applied, and looking changes nothing', async () => {
      const storage = await kit.create();
      const fresh = { pending: all, applied: [], problems: [] };
      assert.deepEqual(await checkMigrations({ storage }), fresh);
      assert.deepEqual(await checkMigrations({ storage }), fresh);
      if (storage.path !== null) assert.equal(existsSync(storage.path), false);
      const done = { pending: [], applied: all, problems: [] };
      assert.deepEqual(await migrate({ storage }), done);
      assert.deepEqual(await migrate({ storage }), done);
      assert.deepEqual(await checkMigrations({ storage }), done);
    });

    test('without leave to migrate, what is missing is a fault that says what to run', async () => {
      const storage = await kit.create();
      await assert.rejects(openStorage({ storage, migrate: false }), {
        ...mismatch,
        advice: 'Run `fleet-health migrate` as an account that may change the schema.',
      });
    });

    test('several programs that start at once on a new database migrate it once', wide, async () => {
      const storage = await kit.create();
      const opened = await Promise.all([1, 2, 3].map(() => openStorage({ storage, migrate: true })));
      for (const one of opened) await one.close();
      const state = await checkMigrations({ storage });
      assert.deepEqual(state, { pending: [], applied: all, problems: [] });
    });

    test('a program that is older than the schema goes on within the major version', wide, async () => {
      const storage = await kit.create();
      await withDatabase(storage, async (database) => {
        const files = [...readMigrations(kit.kind), later];
        assert.deepEqual((await migrateDatabase(database, files)).applied, [...all, '099-later']);
      });
      const state = await checkMigrations({ storage });
      assert.deepEqual(state, { pending: [], applied: [...all, '099-later'], problems: [] });
      const open = await openStorage({ storage, migrate: true });
      assert.deepEqual(await open.reports.ingest([item()]), [{ kind: 'stored' }]);
      await open.close();
    });

    test('a schema of the next major version is refused', wide, async () => {
      const storage = await kit.migrated();
      await change(storage, 'UPDATE migrations SET major = 2 WHERE step = 1');
      await assert.rejects(openStorage({ storage, migrate: true }), mismatch);
      assert.match((await checkMigrations({ storage })).problems.join(), /major version 2/);
    });

    test('a file that differs from what was applied is refused', wide, async () => {
      const storage = await kit.migrated();
      await change(storage, "UPDATE migrations SET digest = 'other'");
      await assert.rejects(openStorage({ storage, migrate: true }), mismatch);
      assert.match((await checkMigrations({ storage })).problems.join(), /001-initial\.sql differs/);
    });

    test('a gap in what was applied is refused', wide, async () => {
      const storage = await kit.migrated();
      await withDatabase(storage, (database) => migrateDatabase(database, [...readMigrations(kit.kind), later]));
      await change(storage, 'DELETE FROM migrations WHERE number = 1');
      assert.match((await checkMigrations({ storage })).problems.join(), /001-initial is missing before newer ones/);
      await assert.rejects(openStorage({ storage, migrate: true }), mismatch);
    });

    test('a migration that was cut off goes on where it stopped', async () => {
      const storage = await kit.create();
      const [file] = readMigrations(kit.kind);
      assert.ok(file !== undefined);
      await withDatabase(storage, (database) => migrateDatabase(database, [file]));
      const half = Math.floor(file.steps.length / 2);
      // A crash on MySQL leaves this state: the step is done, its end is not recorded, and no later step was begun.
      await withDatabase(storage, (database) =>
        database.migrate(async (session) => {
          await session.run('DELETE FROM migrations WHERE step > ?', [half]);
          await session.run('UPDATE migrations SET applied_at = NULL WHERE step = ?', [half]);
          for (const sql of [...file.steps].slice(half).reverse()) await session.run(kit.own.dropOf(sql));
        }),
      );
      assert.deepEqual((await checkMigrations({ storage })).pending, all);
      assert.deepEqual((await migrate({ storage })).pending, []);
      const open = await openStorage({ storage, migrate: false });
      assert.deepEqual(await open.reports.ingest([item()]), [{ kind: 'stored' }]);
      assert.equal((await open.history.query('SELECT * FROM collected_stats')).length, 1);
      await open.close();
    });

    test('a step that was made and not recorded is recognised, whichever it is', wide, async () => {
      const storage = await kit.create();
      await withDatabase(storage, async (database) => {
        const whole = readMigrations(kit.kind);
        for (const [index, file] of whole.entries()) {
          for (const step of file.steps.keys()) {
            const files = [...whole.slice(0, index), { ...file, steps: file.steps.slice(0, step + 1) }];
            await migrateDatabase(database, files);
            const own = `number = ${file.number} AND step = ${step + 1}`;
            await database.migrate((session) => session.run(`UPDATE migrations SET applied_at = NULL WHERE ${own}`));
            assert.deepEqual((await migrateDatabase(database, files)).pending, [], `${file.name}, step ${step + 1}`);
            const [row] = await database.readOnly(`SELECT COUNT(applied_at) AS n FROM migrations WHERE ${own}`);
            assert.equal(Number(row?.['n']), 1, `${file.name}, step ${step + 1}`);
          }
        }
      });
      assert.deepEqual((await migrate({ storage })).pending, []);
    });

    test("somebody else's table of the same name is never taken for ours", wide, async () => {
      const storage = await kit.create();
      await change(storage, 'CREATE TABLE visits (something INTEGER)');
      const foreign = { ...mismatch, advice: 'Give Fleet Health a database of its own.' };
      await assert.rejects(migrate({ storage }), foreign);
      await assert.rejects(migrate({ storage }), foreign);
    });

    test('a step that fails is said, and can be made again', async () => {
      const storage = await kit.migrated();
      const broken = { ...later, steps: [later.steps[0] ?? '', 'CREATE INDEX later_id ON later (missing)'] };
      const files = readMigrations(kit.kind);
      await withDatabase(storage, async (database) => {
        await assert.rejects(migrateDatabase(database, [...files, broken]), StorageFault);
        const mended = { ...broken, steps: later.steps };
        assert.deepEqual((await migrateDatabase(database, [...files, mended])).pending, []);
      });
    });
  },
  { mariadb: 'always' },
);

test('an SQLite file in a folder that cannot be made is a storage fault', async () => {
  const storage = sqliteConfig('/dev/null/fleet.db');
  await assert.rejects(openStorage({ storage, migrate: true }), { name: 'FleetError', code: 'storage-unavailable' });
});

async function withDatabase(storage: StorageConfig, work: (database: Database) => Promise<unknown>): Promise<void> {
  const database = await openDatabase({ storage, program: 'change' });
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

async function change(storage: StorageConfig, sql: string): Promise<void> {
  await withDatabase(storage, (database) => database.migrate((session) => session.run(sql)));
}

test('a database that cannot be looked for is a fault, not a fleet without a run', async (t) => {
  const dir = tempFolder(t);
  symlinkSync('round', path.join(dir, 'round'));
  const storage = sqliteConfig(path.join(dir, 'round', 'fleet.db'));
  await assert.rejects(checkMigrations({ storage }), { code: 'storage-unavailable', message: /ELOOP/ });
});
