import type { MysqlConfig } from '../../../src/config/databases/mysql.ts';
import { type Mariadb, serverName, skipWithoutMariadb, startMariadb } from '../../support/databases/mariadb.ts';
import { makeMigrated } from '../../support/databases/migrated.ts';
import { endWithProcess } from '../../support/end-of-process.ts';
import { createdBy, type TestDatabase } from './test-database.ts';

/**
 * Returns a MariaDB or MySQL of the process's own. Migrated databases are emptied and used again, which takes a
 * fortieth of making them anew.
 */
export function onMysql(): TestDatabase {
  const { create, migrated, free } = keptServer();
  return {
    kind: 'mysql',
    title: serverName,
    skip: skipWithoutMariadb,
    isCheap: false,
    create,
    migrated,
    free: (storage) => {
      if (storage.kind === 'mysql') free(storage);
    },
    columns: `SELECT c.table_name AS t, c.column_name AS c, UPPER(c.data_type) AS type, COALESCE(k.ordinal_position, 0) AS place,
        c.extra = 'auto_increment' AS counter
      FROM information_schema.columns c
      JOIN information_schema.tables b ON b.table_schema = c.table_schema AND b.table_name = c.table_name
      LEFT JOIN information_schema.key_column_usage k ON k.table_schema = c.table_schema
        AND k.table_name = c.table_name AND k.column_name = c.column_name AND k.constraint_name = 'PRIMARY'
      WHERE c.table_schema = DATABASE() AND b.table_type = 'BASE TABLE'`,
    tables: 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
    refuseRows: (condition) => `ALTER TABLE disk_stats ADD CONSTRAINT client_not_wanted CHECK (NOT (${condition}))`,
    dropOf: (createSql) => {
      const { type, name, table } = createdBy(createSql);
      return `DROP ${type} ${name}${table === '' ? '' : ` ON ${table}`}`;
    },
    questions: 'mysql',
    noClient: 'x'.repeat(200),
    sneaky: 'WITH x AS (SELECT 1 AS one) DELETE clients FROM clients JOIN x',
  };
}

interface KeptServer {
  /** Makes a database without tables. */
  readonly create: () => Promise<MysqlConfig>;
  /** Returns a migrated database without rows, until `free`. */
  readonly migrated: () => Promise<MysqlConfig>;
  readonly free: (storage: MysqlConfig) => void;
}

/** Starts the server with the first database. It runs until the end of the process. */
function keptServer(): KeptServer {
  let started: Promise<Mariadb> | null = null;
  const start = async (): Promise<Mariadb> => {
    const mariadb = await startMariadb();
    endWithProcess(() => mariadb.stop());
    return mariadb;
  };
  const server = (): Promise<Mariadb> => (started ??= start());
  const kept: MysqlConfig[] = [];
  const schemas = new Map<MysqlConfig, string>();
  const create = async (): Promise<MysqlConfig> => (await (await server()).createDatabase()).storage;
  return {
    create,
    migrated: async () => {
      const mariadb = await server();
      for (let storage = kept.pop(); storage !== undefined; storage = kept.pop()) {
        // A test may have changed the schema.
        if ((await schemaOf(mariadb, storage)) !== schemas.get(storage)) continue;
        await empty(mariadb, storage);
        schemas.set(storage, await schemaOf(mariadb, storage));
        return storage;
      }
      const storage = await create();
      await makeMigrated(storage);
      schemas.set(storage, await schemaOf(mariadb, storage));
      return storage;
    },
    free: (storage) => void kept.push(storage),
  };
}

/** Returns a text that differs if the schemas, or the records of migrations, of two times differ. */
async function schemaOf(mariadb: Mariadb, { database }: MysqlConfig): Promise<string> {
  const within = `WHERE table_schema = '${database}'`;
  const [migrations] = await mariadb.asRoot(`CHECKSUM TABLE ${database}.migrations`);
  const [row] = await mariadb.asRoot(
    'SET SESSION group_concat_max_len = 1000000',
    `SELECT
      (SELECT GROUP_CONCAT(table_name, create_time ORDER BY table_name) FROM information_schema.tables ${within}) AS made,
      (SELECT SHA2(GROUP_CONCAT(table_name, column_name, column_type, is_nullable ORDER BY table_name, ordinal_position), 256)
        FROM information_schema.columns ${within}) AS columns_,
      (SELECT COUNT(*) FROM information_schema.statistics ${within}) AS keys_,
      (SELECT COUNT(*) FROM information_schema.table_constraints ${within}) AS constraints_,
      (SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = '${database}') AS triggers_`,
  );
  return JSON.stringify([migrations, row]);
}

async function empty(mariadb: Mariadb, { database }: MysqlConfig): Promise<void> {
  const tables = await mariadb.asRoot(
    `SELECT table_name AS name, auto_increment AS next FROM information_schema.tables
     WHERE table_schema = '${database}' AND table_type = 'BASE TABLE' AND table_name <> 'migrations'`,
  );
  const filled = tables.map(({ name }) => `EXISTS(SELECT 1 FROM ${database}.${String(name)}) AS ${String(name)}`);
  const [hasRows] = await mariadb.asRoot(`SELECT ${filled.join(', ')}`);
  await mariadb.asRoot(
    'SET foreign_key_checks = 0',
    ...tables.flatMap(({ name, next }) => [
      ...(hasRows?.[String(name)] === 1 ? [`DELETE FROM ${database}.${String(name)}`] : []),
      ...(Number(next ?? 1) > 1 ? [`ALTER TABLE ${database}.${String(name)} AUTO_INCREMENT = 1`] : []),
    ]),
  );
}
