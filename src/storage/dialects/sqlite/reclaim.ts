import type { Database, Session } from '../../sql/database.ts';

/** The pages of one transaction. */
const stepPages = 512;

/** The free part of the file that is kept for new rows, because needless moves of pages wear out disks. */
const sparePart = 0.1;

export interface ReclaimOptions {
  /** True to free all pages. False to leave a tenth of the file for new rows. */
  readonly all: boolean;
  /** Runs one transaction, followed by a pause if one is due. */
  readonly step: (work: () => Promise<void>) => Promise<void>;
  readonly signal: AbortSignal;
}

/** The use of space in an SQLite file. */
export interface FileSpace {
  readonly sizeBytes: number;
  /** The free bytes inside the file. */
  readonly freeBytes: number;
  /** True if free pages can be given back little by little. Otherwise VACUUM has to rewrite the file once. */
  readonly shrinks: boolean;
}

/** Returns `null` if the database is no SQLite file. */
export async function fileSpace(database: Database): Promise<FileSpace | null> {
  return database.read(async (session) => {
    if (session.dialect.name !== 'sqlite') return null;
    const pageBytes = await pragma(session, 'page_size');
    return {
      sizeBytes: (await pragma(session, 'page_count')) * pageBytes,
      freeBytes: (await pragma(session, 'freelist_count')) * pageBytes,
      // https://sqlite.org/pragma.html#pragma_auto_vacuum: 2 is incremental.
      shrinks: (await pragma(session, 'auto_vacuum')) === 2,
    };
  });
}

/**
 * Gives pages that pruning has freed back to the file system, in small steps until done or the signal aborts. Returns
 * the number of bytes; 0 if the database is no SQLite file or its file cannot shrink.
 */
export async function reclaim(database: Database, options: ReclaimOptions): Promise<number> {
  const before = await fileSpace(database);
  if (before?.shrinks !== true) return 0;
  const spareBytes = options.all ? 0 : before.sizeBytes * sparePart;
  let now = before;
  while (now.freeBytes > spareBytes && !options.signal.aborted) {
    const { freeBytes } = now;
    await options.step(async () => {
      await database.write((session) => session.all(`PRAGMA incremental_vacuum(${stepPages})`));
    });
    now = (await fileSpace(database)) ?? now;
    if (now.freeBytes >= freeBytes) break;
  }
  return Math.max(0, before.sizeBytes - now.sizeBytes);
}

async function pragma(session: Session, name: string): Promise<number> {
  const [row] = await session.all(`PRAGMA ${name}`);
  return Number(row?.[name]);
}
