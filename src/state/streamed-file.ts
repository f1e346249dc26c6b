import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { isOldPart, partSuffix } from './durable-file.ts';

export interface StreamedFileOptions {
  /** The path of the file, in an existing folder. */
  readonly file: string;
  readonly mode: number;
  readonly chunks: AsyncIterable<string>;
}

/**
 * Writes a file piece by piece under another name of its folder and renames it. Readers see the earlier file or the
 * whole new one. Returns the size. Throws the errors of fs and of the chunks, and then leaves no file.
 */
export async function writeStreamed({ file, mode, chunks }: StreamedFileOptions): Promise<number> {
  const prefix = path.join(path.dirname(file), `.${path.basename(file)}.`);
  removeLeft(prefix);
  const part = `${prefix}${randomBytes(8).toString('hex')}${partSuffix}`;
  try {
    const handle = await open(part, 'wx', mode);
    try {
      // The mode is set despite the umask, because others are meant to read the file.
      await handle.chmod(mode);
      let bytes = 0;
      for await (const chunk of chunks) bytes += (await handle.write(chunk)).bytesWritten;
      await handle.sync();
      await handle.close();
      await rename(part, file);
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    await rm(part).catch(() => undefined);
    throw thrown;
  }
}

/** Removes the files that killed processes left of earlier attempts. A younger file may belong to another process. */
function removeLeft(prefix: string): void {
  const dir = path.dirname(prefix);
  for (const name of readdirSync(dir)) {
    const file = path.join(dir, name);
    if (file.startsWith(prefix) && name.endsWith(partSuffix) && isOldPart(file)) rmSync(file, { force: true });
  }
}
