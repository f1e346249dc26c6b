import type { StorageConfig } from '../../../src/config/config.ts';

/** A configuration of an SQLite file. */
export function sqliteConfig(file: string): StorageConfig {
  return {
    kind: 'sqlite',
    path: file,
    host: null,
    port: null,
    user: null,
    database: null,
    password: null,
    socketPath: null,
    tls: 'no',
    ca: null,
    migrate: true,
  };
}
