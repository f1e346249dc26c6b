import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Where one collector's things about one client lie, below each of the roots. */
export interface PlaceNames {
  readonly machine: string;
  readonly collector: string;
}

const privateMode = 0o700;
const groupAndOthers = 0o077;

/**
 * Where things may be kept on this machine, the best first. The loader of src/transport/loader.ts walks the same way:
 * a home comes first because it outlives everything, memory last because it does not outlive a boot.
 */
export function placeRoots(env: NodeJS.ProcessEnv, uid: number): string[] {
  const state = env['XDG_STATE_HOME'];
  const home = env['HOME'];
  return [
    ...(state?.startsWith('/') === true ? [`${state}/fleet-health`] : []),
    ...(home?.startsWith('/') === true ? [`${home}/.local/state/fleet-health`] : []),
    `/var/tmp/fleet-health-${uid}`,
    `/dev/shm/fleet-health-${uid}`,
  ];
}

/**
 * The folder `root/...names`, if root and every folder below it are ours alone: no symbolic link, owned by this user,
 * closed to everybody else. With `make` what is missing is made. null when it cannot be used or is not there.
 */
export function openPlace(root: string, names: readonly string[], make: boolean): string | null {
  let dir = root;
  try {
    if (!isPrivate(dir, make)) return null;
    for (const name of names) {
      dir += `/${name}`;
      if (!isPrivate(dir, make)) return null;
    }
    return dir;
  } catch {
    return null;
  }
}

function isPrivate(dir: string, make: boolean): boolean {
  const found = lstatSync(dir, { throwIfNoEntry: false });
  if (found) {
    return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & groupAndOthers) === 0;
  }
  if (!make) return false;
  // Only what lies in a home may lack its parents; the others lie in folders that a system has.
  makeParents(dir);
  mkdirSync(dir, { mode: privateMode });
  return isPrivate(dir, false);
}

/** Not mkdir's own `recursive`: that never ends where a folder that is there answers ENOENT, as automounters do. */
function makeParents(dir: string): void {
  const parent = dirname(dir);
  if (existsSync(parent)) return;
  makeParents(parent);
  mkdirSync(parent, { mode: privateMode });
}
