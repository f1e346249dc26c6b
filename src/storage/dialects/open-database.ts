import type { StorageConfig } from '../../config/config.ts';
import { type FleetError, usageError } from '../../errors.ts';
import type { Database, DatabaseUse } from '../sql/database.ts';

export interface OpenDatabaseOptions<Config = StorageConfig> {
  readonly storage: Config;
  readonly program: DatabaseUse;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The database that `<storage>` names. Throws StorageFault. Only what is used is loaded: mysql2 costs start-up time.
 */
export async function openDatabase({ storage, program, signal }: OpenDatabaseOptions): Promise<Database> {
  switch (storage.kind) {
    case 'sqlite':
      return (await import('./sqlite/database.ts')).openSqliteDatabase({
        path: storage.path,
        signal,
        program,
      });
    case 'mysql':
      return (await import('./mysql/database.ts')).openMysqlDatabase({ storage, program, signal });
    case 'none':
      throw withoutDatabase(storage.forwardUrl);
  }
}

/** The error of a command that needs the database, at a site that has none. */
export function withoutDatabase(forwardUrl: string): FleetError {
  const message = `this site has no database: it forwards what it takes to ${forwardUrl}`;
  return usageError(message, 'Run this command on that collector.');
}
