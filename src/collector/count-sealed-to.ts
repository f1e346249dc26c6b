import { closeSync, openSync, readSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { errnoOf } from './durable-file.ts';

/** FORMAT.md: the magic, then the id of the key. */
const keyIdAt = 4;
const keyIdBytes = 8;

/** How many sealed reports under encrypted_stats/, those in quarantine left out, are sealed to a key. Throws what fs throws. */
export function countSealedTo(dir: string, keyId: string): number {
  return sealedFiles(dir).filter((file) => keyIdOfFile(file) === keyId).length;
}

function sealedFiles(dir: string): readonly string[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((folder) =>
      folder.isDirectory()
        ? readdirSync(path.join(dir, folder.name))
            .filter((name) => name.endsWith('.fhs'))
            .map((name) => path.join(dir, folder.name, name))
        : [],
    );
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

function keyIdOfFile(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(keyIdBytes);
    readSync(fd, bytes, 0, keyIdBytes, keyIdAt);
    return bytes.toString('hex');
  } finally {
    closeSync(fd);
  }
}
