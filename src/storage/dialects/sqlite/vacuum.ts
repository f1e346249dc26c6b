import { accessSync, constants, statfsSync, statSync } from 'node:fs';
import path from 'node:path';

import { formatSize } from '../../../text/numbers.ts';
import { FleetError } from '../../../platform/errors/errors.ts';
import { openSqlite } from '../../../platform/sqlite.ts';
import { StorageFault } from '../../sql/fault.ts';
import { sqliteFault } from './faults.ts';
import type { FileSpace } from '../../sql/database.ts';

/**
 * Rewrites an SQLite file, which this process must not have open. Returns the number of bytes by which the file
 * shrinks. Throws FleetError: `storage-full` beforehand if there is not enough space, or the database's fault.
 */
export function vacuum(file: string, { sizeBytes, freeBytes }: FileSpace): { readonly freedBytes: number } {
  for (const { dir, neededBytes, availableBytes } of vacuumNeeds(file, sizeBytes - freeBytes)) {
    if (availableBytes >= neededBytes) continue;
    throw new FleetError({
      code: 'storage-full',
      stage: 'storage',
      message:
        `making ${file} anew needs ${formatSize(neededBytes)} in ${dir}, ` +
        `and ${formatSize(availableBytes)} are free there`,
      advice: 'Nothing was changed. SQLITE_TMPDIR may name a folder on another disk for its temporary file.',
    });
  }
  return { freedBytes: Math.max(0, sizeBytes - vacuumFile(file)) };
}

export interface VacuumNeed {
  /** A folder of the file system that is written to. */
  readonly dir: string;
  readonly neededBytes: number;
  readonly availableBytes: number;
}

/**
 * Returns the space that a VACUUM needs: the size of the content beside the file, for the log that is copied back, and
 * the same size in SQLite's folder for temporary files (https://sqlite.org/tempfiles.html). Adds both up if they are on
 * one file system. Throws StorageFault.
 */
export function vacuumNeeds(file: string, contentBytes: number): readonly VacuumNeed[] {
  try {
    const places = [path.dirname(file), temporaryDir()];
    const devices = places.map((dir) => statSync(dir).dev);
    const dirs = devices[0] === devices[1] ? places.slice(0, 1) : places;
    return dirs.map((dir) => {
      const { bavail, bsize } = statfsSync(dir);
      return { dir, neededBytes: (contentBytes * 2) / dirs.length, availableBytes: bavail * bsize };
    });
  } catch (thrown) {
    throw sqliteFault(thrown, file);
  }
}

/**
 * Rewrites the file without its free space, and so that it can shrink by itself from then on. This takes as long as a
 * copy, and nobody can write meanwhile. If the process dies, the file stays as it was. Returns the size in bytes.
 * Throws StorageFault, `contended` if another process is writing.
 */
function vacuumFile(file: string): number {
  const handle = openSqlite(file);
  try {
    handle.exec('PRAGMA busy_timeout = 5000');
    handle.exec('PRAGMA auto_vacuum = INCREMENTAL');
    handle.exec('VACUUM');
    handle.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return statSync(file).size;
  } catch (thrown) {
    throw sqliteFault(thrown, file);
  } finally {
    handle.close();
  }
}

function temporaryDir(): string {
  const { SQLITE_TMPDIR, TMPDIR } = process.env;
  for (const dir of [SQLITE_TMPDIR, TMPDIR, '/var/tmp', '/usr/tmp', '/tmp']) {
    if (dir === undefined || dir === '') continue;
    try {
      accessSync(dir, constants.W_OK | constants.X_OK);
      return dir;
    } catch {
      // SQLite tries the next folder too.
    }
  }
  throw new StorageFault('denied', 'there is no folder for temporary files that can be written');
}
