import { accessSync, constants, existsSync, lstatSync, readdirSync, readFileSync, statSync, type Stats } from 'node:fs';
import path from 'node:path';

import { FleetError, messageOf } from '../errors.ts';
import { makeFolder } from './make-folder.ts';
import type { StatePaths } from './paths.ts';

type Place = Exclude<keyof StatePaths, 'dir'>;

/** Keys, reports and the database are believed because nobody else can put anything here: so that has to be so. */
const folders = [
  'keys',
  'publicKeys',
  'retiredKeys',
  'encryptedStats',
  'journal',
  'outbox',
  'runtimes',
  'lastGood',
] as const satisfies Place[];
const sqliteFiles = [
  'database',
  'lock',
  'alertLock',
  'ingestLock',
  'pruneLock',
  'databaseAway',
  'configBroken',
] as const satisfies Place[];
/** Written where they are, not replaced: another name of such a file would be written as well. */
const writtenInPlace = [
  ...sqliteFiles,
  'knownHosts',
  'keyLogins',
  'openingFiles',
  'openingRows',
] as const satisfies Place[];
/** https://sqlite.org/tempfiles.html */
const besideSqlite = ['-wal', '-shm', '-journal'] as const;

export type StateFolder = (typeof folders)[number];

/**
 * Refuses a state folder that somebody else could have written into, and what is not what it should be in it: symbolic
 * links, folders in the place of files, FIFOs. The folder itself may be a symbolic link of ours. One that is not there is
 * right. Root may look at a folder of somebody else. Throws FleetError `state-unusable`.
 */
export function checkStateFolder(paths: StatePaths): void {
  const owner = checkFolder(paths.dir);
  if (owner === null) return;
  const judge = (file: string, kind: Kind, isInPlace = false): void => checkEntry({ file, kind, owner, isInPlace });
  for (const name of folders) judge(paths[name], 'folder');
  for (const name of ['collectorId', 'undeliveredSaid'] as const) judge(paths[name], 'file');
  for (const name of writtenInPlace) judge(paths[name], 'file', true);
  for (const name of sqliteFiles) for (const ending of besideSqlite) judge(`${paths[name]}${ending}`, 'file', true);
}

/**
 * Makes the state folder, or checks the one that is there, for a command that writes: it must be ours. What stands in
 * `used` is looked at too: files in folders, and folders of clients in encrypted_stats/. Throws FleetError `state-unusable`.
 */
export function claimStateFolder(paths: StatePaths, used: readonly StateFolder[]): void {
  const { dir } = paths;
  try {
    makeFolder(dir);
  } catch (thrown) {
    throw new FleetError({ code: 'state-unusable', stage: 'run', message: messageOf(thrown), cause: thrown });
  }
  checkOwned(paths, used);
}

/** Does what claimStateFolder does, and makes nothing: a folder that is missing must be one that this user can make. */
export function tryStateFolder(paths: StatePaths, used: readonly StateFolder[]): void {
  let nearest = path.resolve(paths.dir);
  while (lstatSync(nearest, { throwIfNoEntry: false }) === undefined) nearest = path.dirname(nearest);
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch (thrown) {
    throw new FleetError({ code: 'state-unusable', stage: 'run', message: messageOf(thrown), cause: thrown });
  }
  if (nearest === path.resolve(paths.dir)) checkOwned(paths, used);
}

function checkOwned(paths: StatePaths, used: readonly StateFolder[]): void {
  const { dir } = paths;
  const { uid } = statSync(dir);
  const own = process.geteuid?.() ?? uid;
  if (uid !== own) {
    throw unusable(
      `${dir} belongs to user ${uid}, and this runs as user ${own}`,
      `Run it as that user: ${asAccount(uid)}. Or give the folder with all in it to this one (chown -R).`,
    );
  }
  checkStateFolder(paths);
  for (const name of used) checkInside(paths[name]);
}

/**
 * Refuses root a file that belongs to somebody else, or would lie in his folder: what root writes there, his programs cannot
 * use. Throws FleetError `state-unusable`.
 */
export function refuseFileOfOthers(file: string): void {
  if (process.geteuid?.() !== 0) return;
  let nearest = path.resolve(file);
  while (!existsSync(nearest)) nearest = path.dirname(nearest);
  const { uid } = statSync(nearest);
  if (uid === 0) return;
  throw unusable(`${nearest} belongs to user ${uid}, and this runs as root`, `Run it as that user: ${asAccount(uid)}.`);
}

/** The beginning of a command line for another account, by its name where passwd(5) has one. */
function asAccount(uid: number): string {
  const passwd = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : '';
  const name = /^[\w.-]+$/.exec(
    passwd
      .split('\n')
      .find((line) => line.split(':')[2] === String(uid))
      ?.split(':')[0] ?? '',
  );
  return `sudo -u ${name?.[0] ?? `'#${uid}'`} fleet-health ...`;
}

type Kind = 'file' | 'folder';

/** The folder's owner; null: there is none yet. */
function checkFolder(dir: string): number | null {
  const facts = statSync(dir, { throwIfNoEntry: false });
  const link = lstatSync(dir, { throwIfNoEntry: false });
  if (link === undefined) return null;
  if (facts === undefined) throw unusable(`${dir} is a symbolic link to nothing`, 'Mend it or remove it.');
  if (!facts.isDirectory()) throw unusable(`${dir} is no folder`, 'Move it away, or name another: <state dir="...">.');
  const own = process.geteuid?.() ?? facts.uid;
  if (![own, facts.uid, 0].includes(link.uid)) {
    throw unusable(`${dir} is a symbolic link of user ${link.uid}`, 'Only its owner, or root, may say where it lies.');
  }
  if (own !== 0 && ![own, 0].includes(facts.uid)) {
    throw unusable(
      `${dir} belongs to user ${facts.uid}, and this runs as user ${own}`,
      `Run it as that user: ${asAccount(facts.uid)}.`,
    );
  }
  checkMode(dir, facts);
  return facts.uid;
}

interface Entry {
  readonly file: string;
  readonly kind: Kind;
  /** Of the state folder. */
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

/** Links and what is neither file nor folder: reading it could wait for ever, or lead elsewhere. Folders of people's own may be there. */
function checkInside(dir: string): void {
  if (lstatSync(dir, { throwIfNoEntry: false }) === undefined) return;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    // What is being made has a hidden name, and is judged by whoever uses it.
    if (entry.isFile() || entry.isDirectory() || entry.name.startsWith('.')) continue;
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
