import { closeSync, constants, openSync, readSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { clientOfFolder } from '../../state/client-folder.ts';
import { errnoOf } from '../../errors.ts';

/** FORMAT.md: the magic, then the id of the key. */
const keyIdAt = 4;
const keyIdBytes = 8;

export interface SealedToCount {
  /** That wait to be stored. */
  readonly waiting: number;
  readonly quarantined: number;
}

/** How many sealed reports under encrypted_stats/ are sealed to a key; `givenUp`: clients whose quarantine does not count. Throws what fs throws. */
export function countSealedTo(dir: string, keyId: string, givenUp: ReadonlySet<string> = new Set()): SealedToCount {
  const folders = foldersIn(dir);
  const count = (folder: string): number => filesIn(folder).filter((file) => keyIdOfFile(file) === keyId).length;
  const sum = (counts: readonly number[]): number => counts.reduce((total, one) => total + one, 0);
  const judged = folders.filter((folder) => !givenUp.has(clientOfFolder(path.basename(folder)) ?? ''));
  return {
    waiting: sum(folders.map(count)),
    quarantined: sum(judged.map((folder) => count(path.join(folder, 'quarantine')))),
  };
}

function foldersIn(dir: string): readonly string[] {
  return entriesOf(dir).flatMap((entry) => (entry.isDirectory() ? [path.join(dir, entry.name)] : []));
}

function filesIn(folder: string): readonly string[] {
  return entriesOf(folder).flatMap((entry) =>
    entry.isFile() && entry.name.endsWith('.fhs') ? [path.join(folder, entry.name)] : [],
  );
}

function entriesOf(dir: string) {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

function keyIdOfFile(file: string): string | null {
  const fd = openIfThere(file);
  if (fd === null) return null;
  try {
    const bytes = Buffer.alloc(keyIdBytes);
    readSync(fd, bytes, 0, keyIdBytes, keyIdAt);
    return bytes.toString('hex');
  } finally {
    closeSync(fd);
  }
}

/** null: a collector has taken it meanwhile. */
function openIfThere(file: string): number | null {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}
