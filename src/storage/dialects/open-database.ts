import type { OpenOptions } from '../sql/database-kind.ts';
import type { Database } from '../sql/database.ts';
import { kindOf, type StorageConfig } from './kinds.ts';

export interface OpenDatabaseOptions extends OpenOptions {
  readonly storage: StorageConfig;
}

/** Opens the database that `<storage>` names. Loads only the driver in use. Throws StorageFault. */
export async function openDatabase({ storage, ...options }: OpenDatabaseOptions): Promise<Database> {
  return await kindOf(storage).open(storage, options);
}
