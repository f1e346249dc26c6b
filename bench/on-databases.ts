import path from 'node:path';

import type { StorageConfig } from '../src/config/config.ts';
import { sqliteConfig } from '../test/storage/support/sqlite-config.ts';
import { skipWithoutMariadb, startMariadb, type MariadbDatabase } from '../test/support/databases/mariadb.ts';
import { inTemporaryFolder } from './children.ts';
import type { BenchOptions } from './figure.ts';

export interface BenchDatabase {
  readonly name: 'SQLite' | 'MariaDB';
  readonly config: StorageConfig;
  /** The server, to measure its files; null for SQLite. */
  readonly server: MariadbServer | null;
}

export interface MariadbServer {
  readonly database: MariadbDatabase;
  asRoot(...statements: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** Runs the work on an empty SQLite file and, unless `quick`, on an empty MariaDB database if MariaDB is installed. */
export async function onDatabases(
  { quick, say }: BenchOptions,
  work: (database: BenchDatabase) => Promise<void>,
): Promise<void> {
  await inTemporaryFolder((dir) =>
    work({ name: 'SQLite', config: sqliteConfig(path.join(dir, 'fleet.db')), server: null }),
  );
  if (quick) return;
  if (skipWithoutMariadb !== false) {
    say(`MariaDB: ${skipWithoutMariadb}`);
    return;
  }
  const mariadb = await startMariadb(['--innodb-buffer-pool-size=512M']);
  try {
    const database = await mariadb.createDatabase();
    const asRoot = (...statements: readonly string[]) => mariadb.asRoot(...statements);
    await work({ name: 'MariaDB', config: database.storage, server: { database, asRoot } });
  } finally {
    await mariadb.stop();
  }
}
