import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

import { syncDirectory } from './private-file.ts';

/** The folders below each root that belong to one collector on one machine. */
export interface PlaceNames {
  readonly machine: string;
  readonly collector: string;
}

const privateMode = 0o700;
const groupAndOthers = 0o077;

/**
 * Returns the roots where files may be kept on this machine, the best first, as src/transport/loader/places.sh does. A
 * home comes first because it persists, memory last because it does not outlive a boot. A home that is missing is not
 * made.
 */
export function placeRoots(env: NodeJS.ProcessEnv, uid: number): string[] {
  const state = env['XDG_STATE_HOME'];
  const home = env['HOME'];
  return [
    ...(state?.startsWith('/') === true ? [`${state}/fleet-health`] : []),
    ...(home?.startsWith('/') === true && existsSync(home) ? [`${home}/.local/state/fleet-health`] : []),
    `/var/tmp/fleet-health-${uid}`,
    `/dev/shm/fleet-health-${uid}`,
  ];
}

/**
 * Returns the folder `root/...names` if root and every folder below it are private: no symbolic link, owned by this
 * user, closed to everybody else. `make` creates missing folders. Returns null if the folder is missing or cannot be
 * used.
 */
export function openPlace(root: string, names: readonly string[], make: boolean): string | null {
  return placeFault(root, names, make) === null ? [root, ...names].join('/') : null;
}

/** Returns the reason why openPlace returns null: the first folder that cannot be used, and its fault. */
export function placeFault(root: string, names: readonly string[], make: boolean): string | null {
  let dir = root;
  for (const name of ['', ...names]) {
    if (name !== '') dir += `/${name}`;
    const fault = folderFault(dir, make);
    if (fault !== null) return `${dir} ${fault}`;
  }
  return null;
}

function folderFault(dir: string, make: boolean): string | null {
  try {
    const found = lstatSync(dir, { throwIfNoEntry: false });
    if (found) {
      if (found.isSymbolicLink()) return 'is a symbolic link';
      if (!found.isDirectory()) return 'is no folder';
      if (found.uid !== process.getuid?.()) return `belongs to user ${found.uid}`;
      const open = found.mode & groupAndOthers;
      return open === 0 ? null : `is open to others (mode ${(found.mode & 0o777).toString(8)})`;
    }
    if (!make) return 'is not there';
    // Only places in a home may lack parent folders; the others are in folders of the system.
    makeParents(dir);
    makeDirectory(dir);
    return folderFault(dir, false);
  } catch (error) {
    return `cannot be used (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  }
}

/** Makes parents one by one: mkdir's `recursive` never ends if an automounter answers ENOENT for a folder. */
function makeParents(dir: string): void {
  const parent = dirname(dir);
  if (existsSync(parent)) return;
  makeParents(parent);
  makeDirectory(parent);
}

/** Makes a folder whose name survives a loss of power, as the reports in it have to. */
function makeDirectory(dir: string): void {
  mkdirSync(dir, { mode: privateMode });
  try {
    syncDirectory(dirname(dir));
  } catch {
    // The folder above may not be read, or its file system syncs no folders. The new one can be used all the same.
  }
}
