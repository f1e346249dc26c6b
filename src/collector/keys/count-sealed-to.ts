import { closeSync, constants, openSync, readSync, readdirSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import path from 'node:path';

import { errnoOf } from '../../errors.ts';
import { clientOfFolder } from '../../state/client-folder.ts';

/** FORMAT.md: the magic, then the id of the key. */
const keyIdAt = 4;
const keyIdBytes = 8;

export interface SealedToCount {
  /** Reports that wait to be stored. */
  readonly waiting: number;
  readonly quarantined: number;
}

/**
 * Counts the sealed reports under encrypted_stats/ that are sealed to a key. The quarantine of `givenUp` clients does
 * not count. Throws what fs throws.
 */
export function countSealedTo(dir: string, keyId: string, givenUp: ReadonlySet<string> = new Set()): SealedToCount {
  let waiting = 0;
  let quarantined = 0;
  for (const folder of namesIn(dir, (entry) => entry.isDirectory())) {
    const count = (place: string): number =>
      namesIn(place, (entry) => entry.isFile() && entry.name.endsWith('.fhs')).filter(
        (name) => keyIdOfFile(path.join(place, name)) === keyId,
      ).length;
    waiting += count(path.join(dir, folder));
    if (!givenUp.has(clientOfFolder(folder) ?? '')) quarantined += count(path.join(dir, folder, 'quarantine'));
  }
  return { waiting, quarantined };
}

function namesIn(dir: string, isWanted: (entry: Dirent) => boolean): readonly string[] {
  const entries = orNull(() => readdirSync(dir, { withFileTypes: true })) ?? [];
  return entries.filter(isWanted).map(({ name }) => name);
}

/** Returns null if a collector has taken the file meanwhile. */
function keyIdOfFile(file: string): string | null {
  const descriptor = orNull(() => openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW));
  if (descriptor === null) return null;
  try {
    const bytes = Buffer.alloc(keyIdBytes);
    readSync(descriptor, bytes, 0, keyIdBytes, keyIdAt);
    return bytes.toString('hex');
  } finally {
    closeSync(descriptor);
  }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}
