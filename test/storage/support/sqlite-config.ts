import type { StorageConfig } from '../../../src/config/config.ts';

/** A configuration of an SQLite file. */
export function sqliteConfig(file: string): StorageConfig {
  return { kind: 'sqlite', path: file, migrate: true };
}
