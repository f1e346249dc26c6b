import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readdirSync, renameSync } from 'node:fs';
import path from 'node:path';

/**
 * Renames sealed files whose names are no UTF-8: Node can neither open nor move them. Returns true if the entries of
 * the folder have to be read again. Throws what fs throws.
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
