import { makeFolder } from './make-folder.ts';
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

export interface DurableFileOptions {
  readonly file: string;
  readonly content: string | Uint8Array;
  readonly mode: number;
  /** Never replaces: throws EEXIST when the file is there already. */
  readonly exclusive?: boolean;
}

/** Suffix of files that were being written; what a killed process left of them means nothing. */
export const partSuffix = '.part';

/** Writes a small file so that after a crash it is there whole or not at all. Its folder is made, 0700. Throws what fs throws. */
export function writeDurably(options: DurableFileOptions): void {
  const dir = path.dirname(options.file);
  makeFolder(dir);
  const part = path.join(dir, `.${randomBytes(8).toString('hex')}${partSuffix}`);
  try {
    const fd = openSync(part, 'wx', options.mode);
    try {
      const bytes = Buffer.from(options.content);
      for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (options.exclusive === true) linkSync(part, options.file);
    else renameSync(part, options.file);
  } finally {
    rmSync(part, { force: true });
  }
  syncFolder(dir);
}

/** Makes renames and removals inside a folder survive a power loss. */
export function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
