import type { StorageConfig } from '../../config/config.ts';
import { type FleetError, usageError } from '../../errors.ts';
import type { Database, DatabaseUse } from '../sql/database.ts';

export interface OpenDatabaseOptions<Config = StorageConfig> {
  readonly storage: Config;
  readonly program: DatabaseUse;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the database that `<storage>` names. Loads only the driver in use, because mysql2 costs start-up time. Throws
 * StorageFault.
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

/** Returns the error of a command that needs the database, at a site without one. */
export function withoutDatabase(forwardUrl: string | null): FleetError {
  const message = `this site has no database: it forwards what it takes to ${forwardUrl ?? 'another collector'}`;
  return usageError(message, 'Run this command on that collector.');
}
