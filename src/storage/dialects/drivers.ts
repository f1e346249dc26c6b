/** src/storage/dialects: opens the database that config.xml names. */
import { withoutDatabase, type StorageConfig } from '../../config/databases/kinds.ts';
import type { DatabaseDriver } from '../sql/database-driver.ts';
import { StorageFault } from '../sql/fault.ts';
import { drivers } from './registry.ts';

/** Returns the driver of a database. Throws FleetError `usage` for a site without one. */
export function driverOf(storage: StorageConfig): DatabaseDriver<StorageConfig> {
  if (storage.kind === 'none') throw withoutDatabase(storage.forwardUrl);
  return drivers[storage.kind];
}

/** Returns the error of a command that reads a file of rows before the first run has made it. */
export function absentDatabase({ path }: StorageConfig): StorageFault {
  return new StorageFault('lost', `${path ?? 'the database'} is not there yet; the first collect makes it`);
}
