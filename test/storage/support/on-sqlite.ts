import { randomUUID } from 'node:crypto';
import path from 'node:path';

import { makeMigrated } from '../../support/databases/migrated.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { sqliteConfig } from './sqlite-config.ts';
import { createdBy, type TestDatabase } from './test-database.ts';

/** Returns files in a folder of the test file's own. */
export function onSqlite(): TestDatabase {
  let dir: string | null = null;
  const create: TestDatabase['create'] = () => {
    dir ??= tempFolder();
    return Promise.resolve(sqliteConfig(path.join(dir, `${randomUUID()}.db`)));
  };
  return {
    kind: 'sqlite',
    title: 'SQLite',
    skip: false,
    isCheap: true,
    create,
    migrated: async () => {
      const config = await create();
      await makeMigrated(config);
      return config;
    },
    free: () => undefined,
    columns: `SELECT m.name AS t, c.name AS c, c.type AS type, c.pk AS place,
        c.pk = 1 AND m.sql LIKE '%AUTOINCREMENT%' AS counter
      FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'`,
    tables: "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'",
    refuseRows: (condition) => `CREATE TRIGGER client_not_wanted BEFORE INSERT ON disk_stats WHEN NEW.${condition}
      BEGIN SELECT RAISE(ABORT, 'client_not_wanted'); END`,
    dropOf: (createSql) => {
      const { type, name } = createdBy(createSql);
      return `DROP ${type} ${name}`;
    },
    questions: 'sqlite',
    noClient: null,
    sneaky: 'WITH x AS (SELECT 1) DELETE FROM clients',
  };
}
