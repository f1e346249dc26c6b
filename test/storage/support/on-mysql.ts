import type { MysqlConfig } from '../../../src/config/databases/mysql.ts';
import {
  mysqlAt,
  serverName,
  sharedMariadb,
  skipWithoutMariadb,
  type SharedMariadb,
} from '../../support/databases/mariadb.ts';
import { makeMigrated } from '../../support/databases/migrated.ts';
import { endWithProcess } from '../../support/end-of-process.ts';
import { createdBy, type TestDatabase } from './test-database.ts';

/**
 * Returns databases of the run's MariaDB or MySQL. Migrated ones are emptied and used again, by later files too, which
 * takes a fortieth of making them anew.
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

/** Asks for the server with the first database. */
function keptServer(): KeptServer {
  let started: Promise<SharedMariadb> | null = null;
  const kept: MysqlConfig[] = [];
  const schemas = new Map<MysqlConfig, string>();
  const start = async (): Promise<SharedMariadb> => {
    const mariadb = await sharedMariadb();
    await mariadb.asRoot(...keptTable);
    endWithProcess(async () => {
      for (const storage of kept) await keep(mariadb, storage, schemas.get(storage) ?? '');
      await mariadb.stop();
    });
    return mariadb;
  };
  const server = (): Promise<SharedMariadb> => (started ??= start());
  /** Returns a database that was given back, of this file or of an earlier one; null if there is none. */
  const given = async (mariadb: SharedMariadb): Promise<MysqlConfig | null> => {
    const own = kept.pop();
    if (own !== undefined) return own;
    const found = await takeKept(mariadb);
    if (found === null) return null;
    schemas.set(found.storage, found.made);
    return found.storage;
  };
  const create = async (): Promise<MysqlConfig> => (await (await server()).createDatabase()).storage;
  return {
    create,
    migrated: async () => {
      const mariadb = await server();
      for (let storage = await given(mariadb); storage !== null; storage = await given(mariadb)) {
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

/** The databases that files have left for others, on their server. */
const keptTable = [
  'CREATE DATABASE IF NOT EXISTS kept',
  'CREATE TABLE IF NOT EXISTS kept.kept (name VARCHAR(64) PRIMARY KEY, password VARCHAR(64), made MEDIUMTEXT)',
];

async function keep(mariadb: SharedMariadb, { database, password }: MysqlConfig, made: string): Promise<void> {
  const values = [database, password?.reveal() ?? '', made].map((value) => `x'${Buffer.from(value).toString('hex')}'`);
  await mariadb.asRoot(`INSERT INTO kept.kept VALUES (${values.join(', ')})`);
}

async function takeKept({ asRoot, port, publicKeyFile }: SharedMariadb) {
  for (;;) {
    const [row] = await asRoot('SELECT name, password, made FROM kept.kept LIMIT 1');
    if (row === undefined) return null;
    const [name, password, made] = ['name', 'password', 'made'].map((column) => String(row[column])) as Kept;
    const [left] = await asRoot(`DELETE FROM kept.kept WHERE name = '${name}'`, 'SELECT ROW_COUNT() AS deleted');
    // Another file may have been faster.
    if (Number(left?.['deleted']) !== 1) continue;
    const more = { user: name, database: name, serverPublicKeyFile: publicKeyFile };
    return { storage: mysqlAt(port, password, more), made };
  }
}

type Kept = [name: string, password: string, made: string];

/** Returns a text that differs if the schemas, or the records of migrations, of two times differ. */
async function schemaOf(mariadb: SharedMariadb, { database }: MysqlConfig): Promise<string> {
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

async function empty(mariadb: SharedMariadb, { database }: MysqlConfig): Promise<void> {
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
