import type { StorageConfig } from '../../config/config.ts';
import type { Database } from '../sql/database.ts';

export interface OpenDatabaseOptions {
  readonly storage: StorageConfig;
  readonly program: 'collect' | 'alert' | 'read';
  readonly signal?: AbortSignal | undefined;
}

/**
 * The database that `<storage>` names. Throws StorageFault. Only what is used is loaded: mysql2 costs start-up time.
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<Database> {
  const { storage, signal } = options;
  if (storage.kind === 'mysql') {
    const { openMysqlDatabase } = await import('./mysql/database.ts');
    return openMysqlDatabase(options);
  }
  if (storage.path === null) throw new TypeError('an SQLite storage without a path');
  const { openSqliteDatabase } = await import('./sqlite/database.ts');
  return openSqliteDatabase({ path: storage.path, signal });
}
