import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';

import type { StorageConfig } from '../../../src/config/config.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { makeMigrated } from '../../support/migrated.ts';
import { serverName, skipWithoutMariadb, startMariadb, type Mariadb } from '../../support/mariadb.ts';
import { sqliteConfig } from './sqlite-config.ts';

/** The means of a scenario to try one kind of database. */
export interface Kit {
  readonly kind: 'sqlite' | 'mysql';
  /** Makes an empty database. */
  readonly create: () => Promise<StorageConfig>;
  /** Opens a storage on a new migrated database. Closes it after the suite. */
  readonly open: () => Promise<Opened>;
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

/** Runs the same scenarios on SQLite and on a real MariaDB or MySQL. */
export function onBothDatabases(name: string, scenarios: (kit: Kit) => void): void {
  describe(`${name} on SQLite`, () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'fleet-storage-'));
    const closing = closer();
    after(async () => {
      await closing.close();
      rmSync(dir, { recursive: true, force: true });
    });
    const create = (): Promise<StorageConfig> => Promise.resolve(sqliteConfig(path.join(dir, `${randomUUID()}.db`)));
    scenarios(kitOf('sqlite', create, closing));
  });
  describe(`${name} on ${serverName}`, { skip: skipWithoutMariadb }, () => {
    let mariadb: Mariadb | null = null;
    const closing = closer();
    before(async () => {
      mariadb = await startMariadb();
    });
    after(async () => {
      await closing.close();
      await mariadb?.stop();
    });
    const create = async (): Promise<StorageConfig> => {
      if (mariadb === null) throw new Error('MariaDB is not running');
      return (await mariadb.createDatabase()).storage;
    };
    scenarios(kitOf('mysql', create, closing));
  });
}

type Closer = ReturnType<typeof closer>;

function closer() {
  const opened: { close(): Promise<void> }[] = [];
  return {
    add: (one: { close(): Promise<void> }) => void opened.push(one),
    close: async () => {
      for (const one of opened) await one.close();
    },
  };
}

function kitOf(kind: Kit['kind'], create: Kit['create'], closing: Closer): Kit {
  const opened = (): Promise<Opened> => open(create, closing);
  const it: Kit['it'] = (name, scenario) => void test(name, async (t) => scenario(await opened(), t));
  return { kind, create, open: opened, it };
}

async function open(create: () => Promise<StorageConfig>, closing: Closer): Promise<Opened> {
  const config = await create();
  await makeMigrated(config);
  const storage = await openStorage({ storage: config, migrate: true, program: 'collect' });
  closing.add(storage);
  const database = await openDatabase({ storage: config, program: 'change' });
  closing.add(database);
  const rows: Opened['rows'] = async (sql) => (await storage.history.query(sql)).map((row) => Object.values(row));
  return { ...storage, config, storage, database, rows };
}
