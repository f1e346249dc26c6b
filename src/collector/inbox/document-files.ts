/** The files of documents: `<time>-<id>.json` in the folder of an origin. Names sort by time. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, rmSync, type Dirent } from 'node:fs';
import path from 'node:path';

import { FleetError, messageOf } from '../../errors.ts';
import { writeDurably, writeSynced, makeFolder } from '../../state-folder/durable-file.ts';
import { missingOrFile, namesIn } from '../../state-folder/folder-entries.ts';
import type { RecordDocument } from './parse-document.ts';

/** The end of the name of a document of which an attempt could not store all records. */
const againMark = '.again';
const suffix = '.json';

/** Returns the name of a document. `part` numbers the documents of one run. */
export function documentName(atMs: number, id: string, part: number | null = null): string {
  const number = part === null ? '' : `.${String(part).padStart(6, '0')}`;
  return `${String(Math.max(0, Math.floor(atMs))).padStart(15, '0')}-${id}${number}${suffix}`;
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
  try {
    makeFolder(folder);
    await writeSynced(folder, name, JSON.stringify(document));
  } catch (thrown) {
    throw unwritten(folder, thrown);
  }
}

/** Writes a document as writeDocument does, and blocks meanwhile. */
export function writeDocumentNow(folder: string, name: string, document: Partial<RecordDocument>): void {
  try {
    writeDurably({ file: path.join(folder, name), content: JSON.stringify(document), mode: 0o600 });
  } catch (thrown) {
    throw unwritten(folder, thrown);
  }
}

function unwritten(folder: string, thrown: unknown): FleetError {
  const message = `${folder}: ${messageOf(thrown)}`;
  return new FleetError({ code: 'spool-full', stage: 'spool', message, cause: thrown });
}

/** Returns the paths of the documents of a folder, oldest first. Throws FleetError `state-unusable`. */
export function documentsIn(folder: string): readonly string[] {
  const isDocument = (entry: Dirent): boolean =>
    entry.isFile() && entry.name.endsWith(suffix) && !entry.name.startsWith('.');
  return namesIn(folder, isDocument, missingOrFile).map((name) => path.join(folder, name));
}

/** Removes a report or document that another collector has, or that held nothing to store. */
export function removeStored(file: string): void {
  rmSync(file, { force: true });
}

/** Returns the bytes of a file; 0 if it was removed meanwhile, or its name is not UTF-8 and so not ours. */
export function sizeOf(file: string): number {
  return lstatSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Reads a document. Follows no link, and waits for no writer. Throws the errors of fs, and FleetError `spool-full`. */
export function readDocumentFile(file: string, maxBytes: number): Buffer {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const facts = fstatSync(descriptor);
    if (facts.isFile() && facts.size <= maxBytes) return readFileSync(descriptor);
    const message = facts.isFile() ? `${facts.size} bytes, at most ${maxBytes} are allowed` : 'no regular file';
    throw new FleetError({ code: 'spool-full', stage: 'spool', message });
  } finally {
    closeSync(descriptor);
  }
}

/** Deletes the oldest documents of a folder until the rest is within the bound. */
export function boundDocuments(
  folder: string,
  maxBytes: number,
): { readonly kept: readonly string[]; readonly dropped: number } {
  const kept: string[] = [];
  let bytes = 0;
  let dropped = 0;
  for (const file of documentsIn(folder).toReversed()) {
    bytes += sizeOf(file);
    if (bytes <= maxBytes) kept.unshift(file);
    else {
      rmSync(file, { force: true });
      dropped += 1;
    }
  }
  return { kept, dropped };
}
