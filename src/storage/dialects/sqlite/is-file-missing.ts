import { statSync } from 'node:fs';

import { sqliteFault } from './faults.ts';

/** Throws StorageFault where that cannot be known: a file that may not be looked for is no missing one. */
export function isFileMissing(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) === undefined;
  } catch (thrown) {
    throw sqliteFault(thrown, file);
  }
}
