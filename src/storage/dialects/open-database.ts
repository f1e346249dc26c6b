import type { OpenOptions } from '../sql/database-driver.ts';
import type { Database } from '../sql/database.ts';
import type { StorageConfig } from '../../config/databases/kinds.ts';
import { driverOf } from './drivers.ts';

export interface OpenDatabaseOptions extends OpenOptions {
  readonly storage: StorageConfig;
}

/** Opens the database that `<storage>` names. Loads only the driver in use. Throws StorageFault. */
export async function openDatabase({ storage, ...options }: OpenDatabaseOptions): Promise<Database> {
  return await driverOf(storage).open(storage, options);
}
