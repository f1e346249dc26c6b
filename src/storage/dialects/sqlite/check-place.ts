import { accessSync, constants } from 'node:fs';
import path from 'node:path';

import { isFileMissing, sqliteFault } from './faults.ts';

/** Tests whether a file, and a missing folder for it, could be created. Throws StorageFault. */
export function checkPlace(file: string): void {
  let folder = path.dirname(file);
  while (isFileMissing(folder)) folder = path.dirname(folder);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (thrown) {
    throw sqliteFault(thrown, file);
  }
}
