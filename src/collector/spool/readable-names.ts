import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readdirSync, renameSync } from 'node:fs';
import path from 'node:path';

/**
 * A sealed file whose name is no UTF-8 can be told of, opened and moved by nobody here: it is given a name that is. Takes
 * what was read of the folder; returns whether that is to be read again. Throws what fs throws.
 */
export function giveReadableNames(folder: string, entries: readonly { readonly name: string }[]): boolean {
  if (!entries.some(({ name }) => name.includes('\ufffd'))) return false;
  for (const name of readdirSync(folder, { encoding: 'buffer' })) {
    if (isUtf8(name) || !name.toString('latin1').endsWith('.fhs')) continue;
    const readable = `${createHash('sha256').update(name).digest('hex').slice(0, 36)}.fhs`;
    renameSync(Buffer.concat([Buffer.from(`${folder}/`), name]), path.join(folder, readable));
  }
  return true;
}
