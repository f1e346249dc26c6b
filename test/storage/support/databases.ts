import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, describe, test, type TestContext } from 'node:test';

import type { MysqlConfig, StorageConfig } from '../../../src/config/config.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { isWide } from '../../support/long-tests.ts';
import { makeMigrated } from '../../support/migrated.ts';
import { serverName, skipWithoutMariadb, startMariadb, type Mariadb } from '../../support/mariadb.ts';
import { sqliteConfig } from './sqlite-config.ts';

/** The means of a scenario to try one kind of database. */
export interface Kit {
  readonly kind: 'sqlite' | 'mysql';
  /** Makes a database without tables. */
  readonly create: () => Promise<StorageConfig>;
  /** Makes a migrated database without rows, which is the test's until its end. */
  readonly migrated: () => Promise<StorageConfig>;
  /** Opens a storage on a database without rows. Closes it at the end of the test, or of the suite if `suite`. */
  readonly open: (until?: 'test' | 'suite') => Promise<Opened>;
  /** Defines a test with such a storage of its own. */
  readonly it: (name: string, scenario: (opened: Opened, t: TestContext) => Promise<void>) => void;
}

/** A database with the parts of its storage. */
export interface Opened extends Omit<Storage, 'close'> {
  readonly config: StorageConfig;
  readonly storage: Storage;
  /** A second connection to the same database, for reading and for holding locks. */
  readonly database: Database;
  /** Returns the values of the rows of a query. */
  readonly rows: (sql: string) => Promise<readonly (readonly unknown[])[]>;
}

/**
 * Runs the same scenarios on SQLite and on a real MariaDB or MySQL. `npm test` runs those of MariaDB only if a file
 * needs them: `{ mariadb: 'always' }`. `npm run test:wide` runs all.
 */
export function onEachDatabase(
  name: string,
  scenarios: (kit: Kit) => void,
  { mariadb = 'wide' }: { readonly mariadb?: 'always' | 'wide' } = {},
): void {
  describe(`${name} on SQLite`, () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'fleet-storage-'));
    const create = (): Promise<StorageConfig> => Promise.resolve(sqliteConfig(path.join(dir, `${randomUUID()}.db`)));
    const migrated = async (): Promise<StorageConfig> => {
      const config = await create();
      await makeMigrated(config);
      return config;
    };
    scenarios(kitOf({ kind: 'sqlite', create, migrated, free: () => undefined }));
    after(() => rmSync(dir, { recursive: true, force: true }));
  });
  if (mariadb === 'wide' && !isWide) return;
  const { create, migrated, free } = serverOfFile();
  describe(`${name} on ${serverName}`, { skip: skipWithoutMariadb }, () => {
    scenarios(
      kitOf({
        kind: 'mysql',
        create,
        migrated,
        free: (storage) => {
          if (storage.kind === 'mysql') free(storage);
        },
      }),
    );
  });
}

let server: KeptServer | null = null;

/** Returns the server of all suites of a test file. It stops after the last one. */
function serverOfFile(): KeptServer {
  if (server !== null) return server;
  server = keptServer();
  after(server.stop);
  return server;
}

interface Maker extends Pick<Kit, 'kind' | 'create' | 'migrated'> {
  readonly free: (storage: StorageConfig) => void;
}

/** Closes and frees at the end of each test, and of the suite, what was opened for it. */
function kitOf({ kind, create, migrated, free }: Maker): Kit {
  const ofTest: (() => unknown)[] = [];
  const ofSuite: (() => unknown)[] = [];
  const endAll = async (ends: (() => unknown)[]): Promise<void> => {
    for (const end of ends.splice(0)) await end();
  };
  afterEach(() => endAll(ofTest));
  after(() => endAll(ofSuite));
  const taken = async (ends: (() => unknown)[]): Promise<StorageConfig> => {
    const config = await migrated();
    ends.push(() => free(config));
    return config;
  };
  const openFor: Kit['open'] = async (until = 'test') => {
    const ends = until === 'test' ? ofTest : ofSuite;
    const opened = await open(await taken(ends));
    ends.unshift(
      () => opened.storage.close(),
      () => opened.database.close(),
    );
    return opened;
  };
  return {
    kind,
    create,
    migrated: () => taken(ofTest),
    open: openFor,
    it: (name, scenario) => void test(name, async (t) => scenario(await openFor(), t)),
  };
}

async function open(config: StorageConfig): Promise<Opened> {
  const storage = await openStorage({ storage: config, migrate: true, program: 'collect' });
  const database = await openDatabase({ storage: config, program: 'change' });
  const rows: Opened['rows'] = async (sql) => (await storage.history.query(sql)).map((row) => Object.values(row));
  return { ...storage, config, storage, database, rows };
}

/** A MariaDB whose migrated databases are emptied and used again, which takes a fortieth of making them anew. */
interface KeptServer {
  /** Makes a database without tables. */
  readonly create: () => Promise<MysqlConfig>;
  /** Returns a migrated database without rows, until `free`. */
  readonly migrated: () => Promise<MysqlConfig>;
  readonly free: (storage: MysqlConfig) => void;
  readonly stop: () => Promise<void>;
}

/** Starts the server with the first database. */
function keptServer(): KeptServer {
  let started: Promise<Mariadb> | null = null;
  const server = (): Promise<Mariadb> => (started ??= startMariadb());
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
    stop: async () => {
      await (await started)?.stop();
    },
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
      (SELECT MD5(GROUP_CONCAT(table_name, column_name, column_type, is_nullable ORDER BY table_name, ordinal_position))
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
