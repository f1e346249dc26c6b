import { lstatSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder and those above it that are missing, all of mode 0700. Throws what mkdir throws. Not mkdir's own
 * `recursive`: that never ends where a folder that is there answers ENOENT (/proc, the roots of an automounter), and calls
 * a full disk ENOENT (nodejs/node#42808).
 */
export function makeFolder(dir: string): void {
  const missing: string[] = [];
  for (let at = path.resolve(dir); !isFolder(at); at = path.dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (thrown) {
      // Somebody made it meanwhile.
      if (!isFolder(folder)) throw thrown;
    }
  }
}

/**
 * The same for a folder of our own inside the state folder: something else in its place, a symbolic link to a folder too, is
 * an error.
 */
export function makeOwnFolder(dir: string): void {
  makeFolder(dir);
  if (!lstatSync(dir).isDirectory()) throw new Error(`${dir} is no folder, but a symbolic link; move it away`);
}

function isFolder(dir: string): boolean {
  return statSync(dir, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
