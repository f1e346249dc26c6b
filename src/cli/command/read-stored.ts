import type { Config, StorageConfig } from '../../config/config.ts';
import { FleetError, usageError } from '../../platform/errors/errors.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import { checkMigrations } from '../../storage/migrate/migrate.ts';
import { openStorage } from '../../storage/open-storage.ts';
import type { Storage } from '../../storage/store/storage.ts';

/**
 * Reads from the database in a session that the database keeps read-only. Hands over null before the first
 * run, when there is no schema yet. Throws FleetError `migration-mismatch` if no run may make the schema.
 */
export async function readStored<Result>(
  storage: StorageConfig,
  signal: AbortSignal,
  read: (stored: Storage | null) => Promise<Result>,
): Promise<Result> {
  const { applied } = await checkMigrations({ storage, signal });
  if (applied.length === 0 && !storage.migrate) {
    const message = 'the database has no schema, and migrate="no" lets no run make one';
    const advice = 'Run `fleet-health migrate` as an account that may.';
    throw new FleetError({ code: 'migration-mismatch', stage: 'storage', message, advice });
  }
  if (applied.length === 0) return await read(null);
  const open = await openStorage({ storage, migrate: false, program: 'read', signal });
  try {
    return await read(open);
  } finally {
    await open.close();
  }
}

/** Reads as readStored does. Throws FleetError `usage` before the first run. */
export async function readAfterFirstRun<Result>(
  storage: StorageConfig,
  signal: AbortSignal,
  read: (stored: Storage) => Promise<Result>,
): Promise<Result> {
  return await readStored(storage, signal, (stored) => {
    if (stored === null) throw usageError('nothing is stored yet', 'Run `fleet-health collect` first.');
    return read(stored);
  });
}

/** Opens the database for changes by people. Makes the database if it is missing, as `alert` would. */
export async function changeStored<Result>(
  { storage, stateDir }: Pick<Config, 'storage' | 'stateDir'>,
  signal: AbortSignal,
  change: (storage: Storage) => Promise<Result>,
): Promise<Result> {
  if (storage.path !== null) claimStateFolder(statePaths(stateDir), []);
  const open = await openStorage({ storage, migrate: storage.migrate, program: 'change', signal });
  try {
    return await change(open);
  } finally {
    await open.close();
  }
}
