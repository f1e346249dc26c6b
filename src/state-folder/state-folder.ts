import { accessSync, constants, existsSync, lstatSync, readdirSync, readFileSync, statSync, type Stats } from 'node:fs';
import path from 'node:path';

import { asFleetError, errnoOf, fileFault, FleetError } from '../platform/errors/errors.ts';
import { makeFolder } from './durable-file.ts';
import { placeKinds, siteMark, type StateFolder, type StatePaths } from './paths.ts';

/** The suffixes of files beside a database: https://sqlite.org/tempfiles.html */
const besideSqlite = ['-wal', '-shm', '-journal'] as const;

/**
 * Refuses a state folder that another account could have written to: keys, reports and the database are trusted because
 * no other account can write here. Refuses symbolic links and FIFOs in the folder, and folders in the place of files.
 * The folder itself may be missing, or a symbolic link of this account. Root may inspect a folder of another user.
 * Throws FleetError `state-unusable`.
 */
export function checkStateFolder(paths: StatePaths): void {
  const owner = checkFolder(paths.dir);
  if (owner === null) return;
  for (const [place, placeKind] of placeKinds()) {
    const kind = placeKind === 'folder' ? 'folder' : 'file';
    const isInPlace = placeKind === 'written-in-place' || placeKind === 'sqlite';
    const endings = placeKind === 'sqlite' ? ['', ...besideSqlite] : [''];
    for (const ending of endings) checkEntry({ file: `${paths[place]}${ending}`, kind, owner, isInPlace });
  }
}

/**
 * Makes or checks the state folder for a command that writes: this account must own the folder. Checks the entries of
 * the folders in `used`, too. Throws FleetError `state-unusable`.
 */
export function claimStateFolder(paths: StatePaths, used: readonly StateFolder[]): void {
  const { dir } = paths;
  try {
    makeFolder(dir);
  } catch (thrown) {
    throw asFleetError(thrown, { code: 'state-unusable', stage: 'run' });
  }
  checkOwned(paths, used);
}

/**
 * Checks the state folder as claimStateFolder does, but makes nothing: checks that this user could make a missing
 * folder.
 */
export function tryStateFolder(paths: StatePaths, used: readonly StateFolder[]): void {
  let nearest = path.resolve(paths.dir);
  while (lookAt(nearest, () => lstatSync(nearest, { throwIfNoEntry: false })) === undefined) {
    nearest = path.dirname(nearest);
  }
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch (thrown) {
    throw asFleetError(thrown, { code: 'state-unusable', stage: 'run' });
  }
  if (nearest === path.resolve(paths.dir)) checkOwned(paths, used);
}

function checkOwned(paths: StatePaths, used: readonly StateFolder[]): void {
  const { dir } = paths;
  const { uid } = statSync(dir);
  if (uid !== (process.geteuid?.() ?? uid)) {
    throw foreign(dir, uid, ` Or give the folder with all in it to this one (chown -R).`);
  }
  checkStateFolder(paths);
  for (const name of used) checkInside(paths[name], name === 'inbox');
}

/**
 * Refuses root a file that belongs to another user or would lie in that user's folder: programs of that user could not
 * use the file. Throws FleetError `state-unusable`.
 */
export function refuseFileOfOthers(file: string): void {
  if (process.geteuid?.() !== 0) return;
  let nearest = path.resolve(file);
  while (!existsSync(nearest)) nearest = path.dirname(nearest);
  const { uid } = statSync(nearest);
  if (uid === 0) return;
  throw unusable(`${nearest} belongs to user ${uid}, and this runs as root`, `Run it as that user: ${asAccount(uid)}.`);
}

function foreign(place: string, uid: number, further = ''): FleetError {
  const message = `${place} belongs to user ${uid}, and this runs as user ${process.geteuid?.()}`;
  return unusable(message, `Run it as that user: ${asAccount(uid)}.${further}`);
}

/** Returns the beginning of a command line for another account, by its name in passwd(5) if it has one. */
function asAccount(uid: number): string {
  const passwd = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : '';
  const [, name = `'#${uid}'`] = new RegExp(`^([\\w.-]+):[^:]*:${uid}:`, 'm').exec(passwd) ?? [];
  return `sudo -u ${name} fleet-health ...`;
}

type Kind = 'file' | 'folder';

/** Checks the state folder itself. Returns its owner, or null if it is missing. */
function checkFolder(dir: string): number | null {
  const facts = lookAt(dir, () => statSync(dir, { throwIfNoEntry: false }));
  const link = lookAt(dir, () => lstatSync(dir, { throwIfNoEntry: false }));
  if (link === undefined) return null;
  if (facts === undefined) throw unusable(`${dir} is a symbolic link to nothing`, 'Mend it or remove it.');
  if (!facts.isDirectory()) throw unusable(`${dir} is no folder`, 'Move it away, or name another: <state dir="...">.');
  const own = process.geteuid?.() ?? facts.uid;
  if (![own, facts.uid, 0].includes(link.uid)) {
    throw unusable(`${dir} is a symbolic link of user ${link.uid}`, 'Only its owner, or root, may say where it lies.');
  }
  if (own !== 0 && ![own, 0].includes(facts.uid)) throw foreign(dir, facts.uid);
  checkMode(dir, facts);
  return facts.uid;
}

/** Returns the result of `look`. Throws FleetError `state-unusable` if a folder above may not be entered. */
function lookAt(dir: string, look: () => Stats | undefined): Stats | undefined {
  try {
    return look();
  } catch (thrown) {
    if (errnoOf(thrown) !== 'EACCES') {
      throw unusable(`${dir} cannot be used: ${fileFault(thrown)}`, 'Name another: <state dir="...">.');
    }
    throw unusable(
      `${dir} lies below a folder that this account may not enter`,
      'Run it as the account of the collector (sudo -u fleet-health ...), or let this one in: chmod o+x, or a group.',
    );
  }
}

interface Entry {
  readonly file: string;
  readonly kind: Kind;
  /** The owner of the state folder. */
  readonly owner: number;
  readonly isInPlace: boolean;
}

function checkEntry({ file, kind, owner, isInPlace }: Entry): void {
  const facts = lstatSync(file, { throwIfNoEntry: false });
  if (facts === undefined) return;
  if (facts.isSymbolicLink()) {
    throw unusable(
      `${file} is a symbolic link`,
      'Put what it points to in its place; <state dir>, <storage url> and <ssh knownHosts> say where things lie.',
    );
  }
  if (kind === 'folder' ? !facts.isDirectory() : !facts.isFile()) throw misplaced(file, kind);
  if (![owner, 0, process.geteuid?.()].includes(facts.uid)) {
    throw unusable(`${file} belongs to user ${facts.uid}`, `Find out why, then: chown -R ${owner} ${file}`);
  }
  checkMode(file, facts);
  if (isInPlace && facts.nlink > 1) {
    throw unusable(`${file} has another name (a hard link)`, 'Copy it, and put the copy in its place.');
  }
}

/** Refuses links and entries that are neither file nor folder: reading them could block, or lead elsewhere. */
function checkInside(dir: string, isInbox: boolean): void {
  if (lstatSync(dir, { throwIfNoEntry: false }) === undefined) return;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    // A file that is being written has a hidden name. Its readers check the file.
    if (entry.isFile() || entry.isDirectory() || entry.name.startsWith('.')) continue;
    // A link in the place of a site's folder costs this site alone. The scan of the inbox names it.
    if (isInbox && entry.name.startsWith(siteMark)) continue;
    throw misplaced(path.join(dir, entry.name), 'file');
  }
}

function checkMode(file: string, { mode }: Stats): void {
  if ((mode & 0o022) === 0) return;
  throw unusable(`${file} can be written by others`, `Look at what is in it, then: chmod go-w ${file}`);
}

function misplaced(file: string, kind: Kind): FleetError {
  return unusable(`${file} is no ${kind === 'file' ? 'regular file' : 'folder'}`, 'Move it away.');
}

function unusable(message: string, advice: string): FleetError {
  return new FleetError({ code: 'state-unusable', stage: 'run', message, advice });
}
