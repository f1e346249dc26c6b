import type { Database } from '../sql/database.ts';

/** The free part of the file that is kept for new rows, because needless moves of pages wear out disks. */
const sparePart = 0.1;

export interface ReclaimOptions {
  /** True to free all space. False to leave a tenth of the file for new rows. */
  readonly all: boolean;
  /** Runs one transaction, followed by a pause if one is due. */
  readonly step: (work: () => Promise<void>) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Gives space that pruning has freed back to the file system, in small steps until done or the signal aborts. Returns
 * the number of bytes; 0 if the database is a server or its file cannot shrink.
 */
export async function reclaim(database: Database, { all, step, signal }: ReclaimOptions): Promise<number> {
  const before = await database.space();
  if (before?.shrinks !== true) return 0;
  const spareBytes = all ? 0 : before.sizeBytes * sparePart;
  let now = before;
  while (now.freeBytes > spareBytes && !signal.aborted) {
    const { freeBytes } = now;
    await step(async () => database.reclaim?.());
    now = (await database.space()) ?? now;
    if (now.freeBytes >= freeBytes) break;
  }
  return Math.max(0, before.sizeBytes - now.sizeBytes);
}
