/** The files of documents: `<time>-<id>.json` in the folder of an origin. Names sort by time. */
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import {
  factsOfHeld,
  HeldFolder,
  inFolder,
  inMadeFolder,
  makeHeldFolder,
  NoPlainFile,
  readHeld,
} from '../../state-folder/held-folder.ts';
import type { RecordDocument } from './parse-document.ts';

/** The end of the name of a document of which an attempt could not store all records. */
const againMark = '.again';
const suffix = '.json';

/** The block size of most file systems. */
export const blockBytes = 4096;

/** Returns the bytes that a file takes up on most disks. */
export function onDisk(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}

/** Returns the name of a document. `part` numbers the documents of one run. */
export function documentName(atMs: number, id: string, part: number | null = null): string {
  const number = part === null ? '' : `.${String(part).padStart(6, '0')}`;
  return `${String(Math.max(0, Math.floor(atMs))).padStart(15, '0')}-${id}${number}${suffix}`;
}

/** True if a document of another machine may have this name, and perhaps the mark of a failed attempt. */
export function isNamedAsDocument(file: string): boolean {
  return isDocumentName(path.basename(unmarked(file)));
}

/** True if a file of another machine may have this name. */
export function isDocumentName(name: string): boolean {
  return /^\d{15}-[0-9a-f-]{36}(?:\.\d{6})?\.json$/.test(name);
}

/** Returns the time in the name of a document. */
export function documentTime(file: string): number {
  return Number(path.basename(file).slice(0, 15)) || 0;
}

/** True if an earlier attempt could not store all records of a document. */
export function hasFailed(file: string): boolean {
  return file.endsWith(`${againMark}${suffix}`);
}

/** Returns the path of a document without the mark of a failed attempt. */
export function unmarked(file: string): string {
  return hasFailed(file) ? `${file.slice(0, -`${againMark}${suffix}`.length)}${suffix}` : file;
}

/** Returns the path of a document with the mark of an attempt that could not store all of its records. */
export function marked(file: string): string {
  return `${unmarked(file).slice(0, -suffix.length)}${againMark}${suffix}`;
}

/** Writes a document. Resolves when it would survive a loss of power. Throws FleetError `spool-full`. */
export async function writeDocument(folder: string, name: string, document: Partial<RecordDocument>): Promise<void> {
  await writeDocumentBytes(folder, name, JSON.stringify(document));
}

/** Writes the bytes of a document as writeDocument does. */
export async function writeDocumentBytes(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  let held: HeldFolder | null = null;
  try {
    makeHeldFolder(folder);
    held = new HeldFolder(folder);
    await held.writeSynced(name, content);
  } catch (thrown) {
    throw unwritten(folder, thrown);
  } finally {
    held?.close();
  }
}

/** Writes a document as writeDocument does, and blocks meanwhile. */
export function writeDocumentNow(folder: string, name: string, document: Partial<RecordDocument>): void {
  try {
    inMadeFolder(folder, (held) => held.write(name, JSON.stringify(document)));
  } catch (thrown) {
    throw unwritten(folder, thrown);
  }
}

function unwritten(folder: string, thrown: unknown): FleetError {
  const message = `${folder}: ${messageOf(thrown)}`;
  return new FleetError({ code: 'spool-full', stage: 'spool', message, cause: thrown });
}

/** The number of names that are read in one turn of the event loop. */
const namesAtOnce = 500;

/**
 * Counts the plain files of a folder without hidden ones, up to `most`, and with `isSized` their blocks on most disks.
 * None if the folder cannot be read.
 */
export async function measureFiles(
  folder: string,
  most: number,
  isSized = true,
): Promise<{ readonly files: number; readonly bytes: number }> {
  let files = 0;
  let bytes = 0;
  let held: HeldFolder | null = null;
  try {
    held = new HeldFolder(folder);
    for (const { entry, name } of held.eachEntry()) {
      if (name?.startsWith('.') === false && entry.isFile()) {
        files += 1;
        if (isSized) bytes += onDisk(held.facts(name)?.size ?? 0);
      }
      if (files >= most) break;
      if (files % namesAtOnce === 0) await setImmediate();
    }
  } catch {
    // Whoever writes into the folder next reports a fault of it.
  } finally {
    held?.close();
  }
  return { files, bytes };
}

/** Returns the paths of the documents of a folder of ours, oldest first. Throws FleetError `state-unusable`. */
export function documentsIn(folder: string): readonly string[] {
  return filesIn(folder, suffix).map((name) => path.join(folder, name));
}

/**
 * Returns the paths of the documents in the folder of a site, oldest first, of at most so many names; none if the
 * folder cannot be read, which costs this site alone. The scan of the sealed reports names what is passed over.
 */
export function documentsOfSite(folder: string, most = Infinity): readonly string[] {
  const names: string[] = [];
  try {
    inFolder(folder, (held) => {
      let left = most;
      for (const { entry, name } of held.eachEntry()) {
        if (name !== null && entry.isFile() && name.endsWith(suffix) && !name.startsWith('.')) names.push(name);
        left -= 1;
        if (left === 0) break;
      }
    });
  } catch {
    // The scan of the sealed reports names the fault.
  }
  return names.toSorted().map((name) => path.join(folder, name));
}

/**
 * Returns the sorted names of the plain files of a folder that end with `ending`, without hidden ones; none if there is
 * no folder. Throws FleetError `state-unusable`.
 */
export function filesIn(folder: string, ending: string): readonly string[] {
  return plainFilesIn(folder, (name) => name.endsWith(ending) && !name.startsWith('.'));
}

/** Returns the sorted names of the wanted plain files of a folder, as filesIn does, with hidden ones. */
export function plainFilesIn(folder: string, isWanted: (name: string) => boolean = () => true): readonly string[] {
  try {
    const entries = inFolder(folder, (held) => held.entries());
    return entries.flatMap((entry) => (entry.isFile() && isWanted(entry.name) ? [entry.name] : [])).toSorted();
  } catch (thrown) {
    // Whoever writes into the folder next reports a file in its place.
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(thrown) ?? '')) return [];
    throw new FleetError({ code: 'state-unusable', stage: 'run', message: messageOf(thrown), cause: thrown });
  }
}

/** Removes a report or document that another collector has, or that held nothing to store. Throws the errors of fs. */
export function removeStored(file: string): void {
  try {
    inFolder(path.dirname(file), (folder) => folder.remove(path.basename(file)));
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw thrown;
  }
}

/** Renames a document within its folder. Throws the errors of fs. */
export function renameDocument(file: string, name: string): void {
  inFolder(path.dirname(file), (folder) => folder.move(path.basename(file), folder.at(name)));
}

/** Returns the bytes of a file; 0 if it was removed meanwhile, or its name is not UTF-8 and so not ours. */
export function sizeOf(file: string): number {
  return factsOfHeld(file)?.size ?? 0;
}

/** Reads a document. Follows no link, and waits for no writer. Throws the errors of fs, and FleetError `spool-full`. */
export function readDocumentFile(file: string, maxBytes: number): Buffer {
  try {
    return readHeld(file, maxBytes);
  } catch (thrown) {
    if (!(thrown instanceof NoPlainFile)) throw thrown;
    const { sizeBytes } = thrown;
    const message = sizeBytes === null ? thrown.message : `${sizeBytes} bytes, at most ${maxBytes} are allowed`;
    throw new FleetError({ code: 'spool-full', stage: 'spool', message, cause: thrown });
  }
}

/** Deletes the oldest documents of a folder until the rest is within the bound. */
export function boundDocuments(
  folder: string,
  maxBytes: number,
): { readonly kept: readonly string[]; readonly dropped: number } {
  const files = documentsIn(folder);
  if (files.length === 0) return { kept: files, dropped: 0 };
  const kept: string[] = [];
  inFolder(folder, (held) => {
    let bytes = 0;
    for (const file of files.toReversed()) {
      const name = path.basename(file);
      bytes += held.facts(name)?.size ?? 0;
      if (bytes <= maxBytes) kept.push(file);
      else held.remove(name);
    }
  });
  return { kept: kept.reverse(), dropped: files.length - kept.length };
}
