import { createHash } from 'node:crypto';
import { constants, closeSync, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';

import type { Source } from '../probes/source.ts';
import {
  canonicalUnit,
  holdsSecret,
  maxFileBytes,
  mostEntries,
  unwalked,
  type Algorithm,
  type Entry,
  type StateSource,
} from './state-source.ts';
import { udpFiles } from './system.ts';

const unwalkedOnes: ReadonlySet<string> = new Set([...unwalked.paths, ...unwalked.names]);
const worldReadable = 0o004;
const worldSearchable = 0o001;

/** Adds the files of the machine below a root to a source. */
export function liveState(source: Source, root: string): StateSource {
  return {
    ...source,
    below: (folder) => entriesBelow(root, folder),
    digest: (path, how) => digestOf(root, path, how),
    paths: { statusOf: (path) => statusOf(root + path), restless: [] },
    udpBefore: udpFiles.map((file) => source.readOptional(file) ?? '').join('\n'),
  };
}

function statusOf(path: string): string {
  try {
    const { ino, size, mtimeMs } = lstatSync(path);
    return [ino, size, mtimeMs].join(' ');
  } catch {
    return '- - -';
  }
}

function entriesBelow(root: string, top: string): readonly Entry[] {
  const entries: Entry[] = [];
  const { dev } = lstatSync(root + top, { throwIfNoEntry: false }) ?? { dev: -1 };
  const walk = (folder: string, isOpenAbove: boolean): void => {
    for (const name of namesIn(root + folder).sort()) {
      if (entries.length >= mostEntries) return;
      const path = `${folder}/${name}`;
      const found = lstatSync(root + path, { throwIfNoEntry: false });
      if (found === undefined) continue;
      const kind = found.isFile() ? 'file' : found.isSymbolicLink() ? 'link' : found.isDirectory() ? 'folder' : null;
      // Files of an overlay have the device of their layer, folders that of the overlay.
      if (kind === null || (kind === 'folder' && found.dev !== dev)) continue;
      const needed = kind === 'folder' ? worldSearchable : worldReadable;
      entries.push({
        ...{ path, kind, sizeBytes: found.size, changedS: Math.floor(found.mtimeMs / 1000) },
        isOpen: isOpenAbove && (found.mode & needed) !== 0,
      });
      if (kind !== 'folder' || unwalkedOnes.has(path) || unwalkedOnes.has(name)) continue;
      walk(path, isOpenAbove && (found.mode & worldSearchable) !== 0);
    }
  };
  walk(top, true);
  return entries;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function digestOf(root: string, path: string, algorithm: Algorithm): string | null {
  try {
    const bytes = readWhole(root + path);
    if (bytes === null) return null;
    const text = bytes.toString('latin1');
    if (algorithm === 'unit') return createHash('sha256').update(canonicalUnit(text), 'latin1').digest('hex');
    if (algorithm === 'sha256' && holdsSecret(path, text)) return null;
    // Throws where the machine's policy refuses MD5.
    return createHash(algorithm).update(bytes).digest('hex');
  } catch {
    return null;
  }
}

/** The place for the content of one file after the other. A place for each would cost more than reading it. */
const content = Buffer.allocUnsafe(maxFileBytes + 1);

/**
 * Reads a plain file to its end; null if it is longer than allowed. The next call overwrites the content. Throws errors
 * of fs.
 */
function readWhole(path: string): Buffer | null {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) return null;
    let length = 0;
    for (let count = -1; count !== 0 && length < content.length; length += count) {
      count = readSync(file, content, length, content.length - length, null);
    }
    return length > maxFileBytes ? null : content.subarray(0, length);
  } finally {
    closeSync(file);
  }
}
