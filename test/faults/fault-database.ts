/** The database of a fault run, seen from outside the product. */
import { existsSync } from 'node:fs';
import path from 'node:path';

import { openSqlite } from '../../src/platform/sqlite.ts';
import { startMariadb, type MariadbDatabase } from '../support/databases/mariadb.ts';

export type FaultRow = Readonly<Record<string, unknown>>;

export interface FaultDatabase {
  readonly kind: 'sqlite' | 'mysql';
  /** The storage element of config.xml. */
  readonly element: string;
  /** The database server; null for SQLite. */
  readonly server: FaultServer | null;
  /** Queries rows. Returns none as long as there are no tables. */
  readonly rows: (sql: string) => Promise<readonly FaultRow[]>;
  readonly run: (...statements: readonly string[]) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface FaultServer {
  pid(): number;
  isAlive(): boolean;
  kill(): Promise<void>;
  revive(): Promise<void>;
}

export function sqliteIn(stateDir: string): FaultDatabase {
  const file = path.join(stateDir, 'fleet.db');
  return {
    kind: 'sqlite',
    element: `<storage url="sqlite:${file}"/>`,
    server: null,
    rows: (sql) => {
      if (!existsSync(file)) return Promise.resolve([]);
      const database = openSqlite(file);
      try {
        return Promise.resolve(database.prepare(sql).all());
      } finally {
        database.close();
      }
    },
    run: (...statements) => {
      if (!existsSync(file)) return Promise.resolve();
      const database = openSqlite(file);
      try {
        for (const sql of statements) database.exec(sql);
      } finally {
        database.close();
      }
      return Promise.resolve();
    },
    stop: () => Promise.resolve(),
  };
}

/** Options of a server that forgets the commits of up to five seconds when it is killed. */
const forgetful = ['--innodb-flush-log-at-trx-commit=0', '--innodb-flush-log-at-timeout=5'];

export async function mariadbOfItsOwn(forgets: boolean): Promise<FaultDatabase> {
  // In memory MariaDB maps its log, and a kill loses nothing of it.
  const mariadb = await (forgets ? startMariadb(forgetful, '/var/tmp') : startMariadb());
  const { name, url, password }: MariadbDatabase = await mariadb.createDatabase();
  return {
    kind: 'mysql',
    element: `<storage url="${url}" password="${password}"/>`,
    server: {
      pid: () => mariadb.pid(),
      isAlive: () => mariadb.isAlive(),
      kill: () => mariadb.kill(),
      revive: async () => {
        if (!mariadb.isAlive()) await mariadb.restart();
      },
    },
    rows: async (sql) => await mariadb.asRoot(`USE ${name}`, sql),
    run: async (...statements) => {
      await mariadb.asRoot(`USE ${name}`, ...statements);
    },
    stop: () => mariadb.stop(),
  };
}
