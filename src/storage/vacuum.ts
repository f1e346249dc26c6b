import { formatSize } from '../config/values/quantities.ts';
import { FleetError } from '../errors.ts';
import { throwAsStorageError } from './sql/fault.ts';
import type { FileSpace } from './dialects/sqlite/reclaim.ts';
import { vacuumFile, vacuumNeeds } from './dialects/sqlite/vacuum.ts';

/**
 * Makes an SQLite file anew, which this process must not have open, and says how many bytes it is smaller. Throws
 * FleetError: `storage-full` beforehand where there is not the space for it, or what the database says.
 */
export function vacuum(file: string, { sizeBytes, freeBytes }: FileSpace): { readonly freedBytes: number } {
  try {
    for (const { dir, neededBytes, availableBytes } of vacuumNeeds(file, sizeBytes - freeBytes)) {
      if (availableBytes >= neededBytes) continue;
      throw new FleetError({
        code: 'storage-full',
        stage: 'storage',
        message: `making ${file} anew needs ${formatSize(neededBytes)} in ${dir}, and ${formatSize(availableBytes)} are free there`,
        advice: 'Nothing was changed. SQLITE_TMPDIR may name a folder on another disk for its temporary file.',
      });
    }
    return { freedBytes: Math.max(0, sizeBytes - vacuumFile(file)) };
  } catch (thrown) {
    return throwAsStorageError(thrown);
  }
}
