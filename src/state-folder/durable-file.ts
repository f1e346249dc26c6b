import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

import { errnoOf } from '../platform/errors/errors.ts';
import { hourMs } from '../platform/units.ts';

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;

/** The suffix of files that are being written. A file that a killed process leaves under this suffix has no meaning. */
export const partSuffix = '.part';

export interface DurableFileOptions {
  readonly file: string;
  readonly content: string | Uint8Array;
  readonly mode: number;
  /** True to keep an existing file: throws EEXIST then. */
  readonly exclusive?: boolean;
  /** True to throw if the folder is missing: a person has named it. Default: the folder is made. */
  readonly inExistingFolder?: boolean;
}

/** Writes a small file. After a crash the file is whole or missing. Makes its folder, 0700. Throws the errors of fs. */
export function writeDurably(options: DurableFileOptions): void {
  const { file, content, mode, exclusive = false, inExistingFolder = false } = options;
  const dir = path.dirname(file);
  if (!inExistingFolder) makeFolder(dir);
  else if (!existsSync(dir)) throw new Error(`there is no folder ${dir}`);
  const part = path.join(dir, `.${randomUUID()}${partSuffix}`);
  try {
    writeAndSync({ descriptor: openSync(part, 'wx', mode), content, file });
    if (exclusive) linkSync(part, file);
    else renameSync(part, file);
  } finally {
    rmSync(part, { force: true });
  }
  syncFolderNow(dir);
}

/** Appends to a file, 0600, and syncs it. Syncs the folder of a new file. Throws the errors of fs. */
export function appendDurably(file: string, text: string): void {
  const isNew = !existsSync(file);
  writeAndSync({ descriptor: openSync(file, 'a', 0o600), content: text, file });
  if (isNew) syncFolderNow(path.dirname(file));
}

interface Writing extends Pick<DurableFileOptions, 'file' | 'content'> {
  readonly descriptor: number;
}

function writeAndSync({ descriptor, content, file }: Writing): void {
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } catch (thrown) {
    // The error of a write names no file.
    throw thrown instanceof Error ? Object.assign(thrown, { message: `${thrown.message} '${file}'` }) : thrown;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes a file of an existing folder, 0600, without blocking the event loop. Resolves when the file would survive a
 * power loss. Overwrites the rest that a killed process left of the file. Throws the errors of fs, and then leaves no
 * file.
 */
export async function writeSynced(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  const { file, part } = await openPart(path.join(folder, `.${name}`));
  try {
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path.join(folder, name));
  } catch (thrown) {
    await rm(part).catch(() => undefined);
    throw thrown;
  }
  await syncFolder(folder);
}

/**
 * Opens an empty file for writing. Overwrites a plain file. Takes another name if something else is in its place: a
 * link leads to a file of somebody.
 */
async function openPart(stem: string): Promise<{ readonly file: FileHandle; readonly part: string }> {
  const part = `${stem}${partSuffix}`;
  const file = await open(part, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600).catch((thrown: unknown) => {
    if (['ELOOP', 'EISDIR', 'ENXIO', 'EMLINK'].includes(errnoOf(thrown) ?? '')) return null;
    throw thrown;
  });
  const facts = await file?.stat();
  if (file !== null && facts?.isFile() === true && facts.nlink === 1) {
    if (facts.size > 0) await file.truncate();
    return { file, part };
  }
  await file?.close();
  const other = `${stem}.${randomUUID()}${partSuffix}`;
  return { file: await open(other, 'wx', 0o600), part: other };
}

/** Makes new, renamed and removed files of a folder survive a power loss. Throws the errors of fs. */
export async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Syncs a folder as syncFolder does, and blocks meanwhile. */
export function syncFolderNow(dir: string): void {
  const descriptor = openSync(dir, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Returns a syncFolder for a folder in which many files are made at a time. All calls during a sync share the next one,
 * which begins after this sync and so covers the files of each caller.
 */
export function sharedSync(folder: string, sync: typeof syncFolder = syncFolder): () => Promise<void> {
  let last = Promise.resolve();
  let next: Promise<void> | null = null;
  const begin = (): Promise<void> => {
    next = null;
    last = sync(folder);
    return last;
  };
  return () => (next ??= last.then(begin, begin));
}

/** The age of an old file. A younger file may belong to a program that is about to rename it. */
const oldMs = hourMs;

/** True if no program writes this partly written file any more. */
export function isOldPart(file: string, nowMs = Date.now()): boolean {
  const facts = lstatSync(file, { throwIfNoEntry: false });
  return facts?.isFile() === true && facts.mtimeMs < nowMs - oldMs;
}

/**
 * Removes the partly written files of killed programs from these folders, but not from their subfolders: such a file
 * may hold half a private key. Leaves files whose names do not begin with `prefix`. Ignores errors, because no program
 * reads these files.
 */
export function removeOldParts(dirs: readonly string[], nowMs: number, prefix = '.'): void {
  for (const dir of dirs) {
    try {
      for (const name of readdirSync(dir)) {
        if (!name.startsWith(prefix) || !name.endsWith(partSuffix)) continue;
        const file = path.join(dir, name);
        if (isOldPart(file, nowMs)) rmSync(file);
      }
    } catch {
      // The folder is missing, or this user may not remove files there.
    }
  }
}

/**
 * Makes a folder and its missing parents, all of mode 0700, and syncs their names: a power loss that takes a folder
 * takes its files too. Throws the errors of fs. Does not use mkdir's `recursive`, which never ends if an existing
 * folder answers ENOENT (/proc, the roots of an automounter), and calls a full disk ENOENT (nodejs/node#42808).
 */
export function makeFolder(dir: string, syncName = syncNameNow): void {
  const missing: string[] = [];
  for (let at = path.resolve(dir); !isFolder(at); at = path.dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode: 0o700 });
    } catch (thrown) {
      // Another program may have made the folder meanwhile.
      if (!isFolder(folder)) throw thrown;
    }
    syncName(folder);
  }
}

/** Syncs the folder above a new one. A folder that this account may not read cannot be synced. */
function syncNameNow(folder: string): void {
  try {
    syncFolderNow(path.dirname(folder));
  } catch (thrown) {
    if (errnoOf(thrown) !== 'EACCES') throw thrown;
  }
}

/**
 * Makes a folder inside the state folder, as makeFolder does. Throws if something else is in its place, such as a
 * symbolic link to a folder.
 */
export function makeOwnFolder(dir: string, syncName = syncNameNow): void {
  makeFolder(dir, syncName);
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
