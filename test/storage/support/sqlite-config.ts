import type { StorageConfig } from '../../../src/config/config.ts';

/** Returns the settings of an SQLite file. */
export function sqliteConfig(file: string): StorageConfig {
  return { kind: 'sqlite', path: file, migrate: true };
}
