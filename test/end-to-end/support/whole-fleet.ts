import { existsSync, lstatSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, after, type SuiteContext } from 'node:test';

import type { StorageConfig } from '../../../src/config/config.ts';
import type { SqliteRow } from '../../../src/platform/sqlite.ts';
import { makeInventoried, makeInventoriedIn } from '../../support/clients/inventoried.ts';
import { isWide } from '../../support/long-tests.ts';
import {
  sharedMariadb,
  startMariadb,
  skipWithoutMariadb,
  type Mariadb,
  type MariadbDatabase,
  type SharedMariadb,
} from '../../support/databases/mariadb.ts';
import type { Scope } from '../../support/temp-folder.ts';
import { configFolder, runFirstBuilt, type CliResult } from '../../support/programs/run-cli.ts';
import { openBeside } from '../../support/databases/open-beside.ts';

/** A config.xml in a folder of its own, with its database of either kind. */
export interface Site {
  readonly dir: string;
  readonly stateDir: string;
  run(...args: readonly string[]): Promise<CliResult>;
  /** Replaces config.xml; the storage element is added. */
  configure(inner: string): void;
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Locks the database against writers until the returned function is called. */
  block(): () => void;
  /** Makes clients known whose inventory came today; see makeInventoried. */
  inventoried(...clients: readonly string[]): Promise<void>;
}

export interface DatabaseKind {
  readonly name: 'sqlite' | 'mariadb';
  /** The option `skip` of node:test. */
  readonly skip: string | false;
  site(t: Scope, inner: string): Promise<Site>;
}

const sqliteKind: DatabaseKind = {
  name: 'sqlite',
  skip: false,
  site: (t, inner) => Promise.resolve(siteOf(t, inner, '', sqliteRows, sqliteBlock, null)),
};

/**
 * Returns SQLite, and in the second tier also MariaDB, where it is installed. The server is that of the run, or with
 * `canBlock` one of the file's own, whose databases `block` can lock.
 */
export function databaseKinds(both = isWide, canBlock = false): readonly DatabaseKind[] {
  if (!both) return [sqliteKind];
  let mariadb: SharedMariadb | null = null;
  let own: Mariadb | null = null;
  before(async () => {
    if (skipWithoutMariadb) return;
    if (canBlock) own = await startMariadb();
    mariadb = own ?? (await sharedMariadb());
  });
  after(async () => await mariadb?.stop());
  return [
    sqliteKind,
    {
      name: 'mariadb',
      skip: skipWithoutMariadb,
      site: async (t, inner) => {
        if (mariadb === null) throw new Error('no MariaDB was started');
        const server = mariadb;
        const database: MariadbDatabase = await server.createDatabase();
        const element = `<storage url="${database.url}" password="${database.password}"/>`;
        const query: Query = async (_stateDir, sql) => await server.asRoot(`USE ${database.name}`, sql);
        const block: Block = () => {
          if (own === null) throw new Error('other files use this server too');
          const paused = own;
          paused.pause();
          return () => paused.resume();
        };
        return siteOf(t, inner, element, query, block, database.storage);
      },
    },
  ];
}

type Query = (stateDir: string, sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

const sqliteRows: Query = (stateDir, sql): Promise<readonly SqliteRow[]> => {
  const database = openBeside(path.join(stateDir, 'fleet.db'), { readOnly: true });
  try {
    return Promise.resolve(database.prepare(sql).all());
  } finally {
    database.close();
  }
};

type Block = (stateDir: string) => () => void;

const sqliteBlock: Block = (stateDir) => {
  const database = openBeside(path.join(stateDir, 'fleet.db'));
  database.exec('BEGIN IMMEDIATE');
  return () => {
    database.exec('ROLLBACK');
    database.close();
  };
};

/** Makes a site. `database` is null for the SQLite file in its state folder. */
function siteOf(
  t: Scope,
  inner: string,
  storage: string,
  query: Query,
  block: Block,
  database: StorageConfig | null,
): Site {
  const dir = configFolder(t, '');
  const stateDir = path.join(dir, 'state');
  const configure = (text: string): void => {
    writeFileSync(path.join(dir, 'config.xml'), `<config>\n${storage}\n${text}\n</config>\n`, { mode: 0o600 });
  };
  configure(inner);
  return {
    dir,
    stateDir,
    configure,
    // In the folder, without -c and with PATH alone, as a line of a crontab would run.
    run: (...args) => runFirstBuilt(args, { cwd: dir }),
    rows: (sql) => query(stateDir, sql),
    block: () => block(stateDir),
    inventoried: async (...clients) => {
      if (database === null) await makeInventoriedIn(stateDir, ...clients);
      else await makeInventoried(database, ...clients);
    },
  };
}

/** Returns every file and folder below a folder, sorted, as `path mode`; folders end with a slash. */
export function listing(dir: string): readonly string[] {
  if (!existsSync(dir)) return [];
  const entries = readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(dir, entry.name);
    const mode = (lstatSync(full).mode & 0o777).toString(8);
    if (!entry.isDirectory()) return [`${entry.name} ${mode}`];
    return [`${entry.name}/ ${mode}`, ...listing(full).map((line) => `${entry.name}/${line}`)];
  });
  return entries.sort();
}

export type { SuiteContext };
