import type { StorageConfig } from '../config/config.ts';
import { checkMigrations } from '../storage/migrate.ts';
import { openStorage } from '../storage/open-storage.ts';
import type { History } from '../storage/storage.ts';

const nothing: History = {
  clients: () => Promise.resolve([]),
  lastRun: () => Promise.resolve(null),
  openAlertCounts: () => Promise.resolve(new Map()),
  query: () => Promise.resolve([]),
};

/**
 * Reads from the database and changes nothing in it: before the first run, where there is no schema and perhaps no file
 * yet, the history is empty.
 */
export async function readHistory<Result>(
  storage: StorageConfig,
  signal: AbortSignal,
  read: (history: History) => Promise<Result>,
): Promise<Result> {
  const { applied } = await checkMigrations({ storage, signal });
  if (applied.length === 0) return await read(nothing);
  const open = await openStorage({ storage, migrate: false, program: 'read', signal });
  try {
    return await read(open.history);
  } finally {
    await open.close();
  }
}
