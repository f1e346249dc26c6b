import type { StorageConfig } from '../config/config.ts';
import type { Database } from './sql/database.ts';
import { createAlertStore } from './create-alert-store.ts';
import { createHistory } from './history.ts';
import { checkDatabase, migrateDatabase } from './migrate/migrate.ts';
import { throwMismatch } from './migrate/migration-state.ts';
import { openDatabase } from './dialects/open-database.ts';
import { createReportStore } from './report-store.ts';
import { createRetentionStore } from './retention-store.ts';
import { createLookStore } from './queries/look.ts';
import { createSealedStore } from './reports/sealed-reports.ts';
import type { Storage } from './store/storage.ts';

export interface OpenStorageOptions {
  readonly storage: StorageConfig;
  /** True if missing migrations are applied; else they are a fault. */
  readonly migrate: boolean;
  /** Called before missing migrations are applied, which may take minutes. */
  readonly onMigrating?: () => void;
  /** Decides the session's limits. Default: `read`. */
  readonly program?: 'collect' | 'alert' | 'read';
  /** Ends everything at once, a running statement included. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the database that `<storage>` names and sees that its schema is the one this program knows. Throws FleetError:
 * storage-unavailable, storage-denied, storage-full, storage-failed, migration-mismatch, secret-missing.
 */
export async function openStorage(options: OpenStorageOptions): Promise<Storage> {
  const database = await openDatabase({ ...options, program: options.program ?? 'read' });
  try {
    if (options.migrate) await migrateDatabase(database, undefined, options.onMigrating);
    else throwMismatch(await checkDatabase(database), 'none');
  } catch (thrown) {
    await database.close();
    throw thrown;
  }
  return storageOn(database);
}

/** A storage on a database that is open and migrated, and that is closed with it. */
export function storageOn(database: Database): Storage {
  return {
    reports: createReportStore(database),
    alerts: createAlertStore(database),
    retention: createRetentionStore(database),
    history: createHistory(database),
    look: createLookStore(database),
    sealed: createSealedStore(database),
    close: () => database.close(),
  };
}
