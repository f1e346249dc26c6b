import { after, afterEach, describe, test, type TestContext } from 'node:test';

import type { StorageConfig } from '../../../src/config/config.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import { openDatabase } from '../../../src/storage/dialects/open-database.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { isWide } from '../../support/long-tests.ts';
import { onMysql } from './on-mysql.ts';
import { onSqlite } from './on-sqlite.ts';
import type { TestDatabase } from './test-database.ts';

/** The kinds of databases that the scenarios run on. */
const kinds: readonly (() => TestDatabase)[] = [onSqlite, onMysql];

/** The means of a scenario to try one kind of database. */
export interface Kit extends Pick<TestDatabase, 'kind' | 'create'> {
  /** The SQL of its own. */
  readonly own: TestDatabase;
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
 * Runs the same scenarios on each kind of database. `npm test` runs those of a server only if a file needs them: `{
 * mariadb: 'always' }`. `npm run test:wide` runs all.
 */
export function onEachDatabase(
  name: string,
  scenarios: (kit: Kit) => void,
  { mariadb = 'wide' }: { readonly mariadb?: 'always' | 'wide' } = {},
): void {
  for (const own of ofProcess()) {
    if (!own.isCheap && mariadb === 'wide' && !isWide) continue;
    describe(`${name} on ${own.title}`, { skip: own.skip }, () => scenarios(kitOf(own)));
  }
}

let opened: readonly TestDatabase[] | null = null;

/** Returns the databases of all suites of a process. */
function ofProcess(): readonly TestDatabase[] {
  return (opened ??= kinds.map((kind) => kind()));
}

/** Closes and frees at the end of each test, and of the suite, what was opened for it. */
function kitOf(own: TestDatabase): Kit {
  const ofTest: (() => unknown)[] = [];
  const ofSuite: (() => unknown)[] = [];
  const endAll = async (ends: (() => unknown)[]): Promise<void> => {
    for (const end of ends.splice(0)) await end();
  };
  afterEach(() => endAll(ofTest));
  after(() => endAll(ofSuite));
  const taken = async (ends: (() => unknown)[]): Promise<StorageConfig> => {
    const config = await own.migrated();
    ends.push(() => own.free(config));
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
    own,
    kind: own.kind,
    create: own.create,
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
