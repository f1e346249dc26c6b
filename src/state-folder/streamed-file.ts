import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { partSuffix, removeOldParts } from './durable-file.ts';

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
  const dir = path.dirname(file);
  const prefix = `.${path.basename(file)}.`;
  removeOldParts([dir], Date.now(), prefix);
  const part = path.join(dir, `${prefix}${randomUUID()}${partSuffix}`);
  try {
    const handle = await open(part, 'wx', mode);
    let bytes = 0;
    try {
      // The mode is set despite the umask, because others are meant to read the file.
      await handle.chmod(mode);
      for await (const chunk of chunks) {
        // `write` may write only the beginning of a chunk on a disk that is nearly full.
        await handle.writeFile(chunk);
        bytes += Buffer.byteLength(chunk);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, file);
    return bytes;
  } catch (thrown) {
    await rm(part).catch(() => undefined);
    throw thrown;
  }
}
