import { lstatSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder and its missing parents, all of mode 0700. Throws the errors of mkdir. Does not use mkdir's
 * `recursive`, which never ends if an existing folder answers ENOENT (/proc, the roots of an automounter), and calls a
 * full disk ENOENT (nodejs/node#42808).
 */
export function makeFolder(dir: string): void {
  const missing: string[] = [];
  for (let at = path.resolve(dir); !isFolder(at); at = path.dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (thrown) {
      // Another program may have made the folder meanwhile.
      if (!isFolder(folder)) throw thrown;
    }
  }
}

/**
 * Makes a folder inside the state folder. Throws if something else is in its place, such as a symbolic link to a
 * folder.
 */
export function makeOwnFolder(dir: string): void {
  makeFolder(dir);
  if (!lstatSync(dir).isDirectory()) throw new Error(`${dir} is no folder, but a symbolic link; move it away`);
}

/**
 * Returns the number of the account that owns a folder, or a link to it, if that is neither root nor this account. Such
 * an account can read what is written there, or replace it. Returns null otherwise, and for a missing folder.
 */
export function foreignOwner(dir: string): number | null {
  const found = [lstatSync(dir, { throwIfNoEntry: false }), statSync(dir, { throwIfNoEntry: false })];
  const owners = found.flatMap((facts) => (facts === undefined ? [] : [facts.uid]));
  return owners.find((uid) => uid !== 0 && uid !== process.getuid?.()) ?? null;
}

function isFolder(dir: string): boolean {
  return statSync(dir, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
