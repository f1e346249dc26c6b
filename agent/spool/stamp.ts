import { lstatSync } from 'node:fs';

import { readPrivateFile } from '../start/private-file.ts';
import { clientFolder } from './visit.ts';

/** The file with the paths to watch, one a line, which a state report writes (agent/state/watched.ts). */
export const watchName = 'watch';

/** Returns a digest of inode, size and time of the watched paths; a constant one if there are none. */
export function stampOf(dir: string | undefined): string {
  let found: unknown = '';
  try {
    found = String(readPrivateFile(`${dir}/${watchName}`, 8192))
      .split('\n')
      .map((path) => {
        const status = lstatSync(path, { throwIfNoEntry: false });
        return status && [status.ino, status.size, status.mtimeMs];
      });
  } catch {
    // A folder that this account may not look into any more: the next state report watches others.
  }
  return clientFolder(String(found));
}
