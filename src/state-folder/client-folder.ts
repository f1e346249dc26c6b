import { createHash } from 'node:crypto';

const longest = 200;

/**
 * Returns the folder name of a client under encrypted_stats/: its name percent-encoded, or a hash beyond 200
 * characters. Never returns `.`, `..`, a hidden name, or one with a separator.
 */
export function folderOfClient(client: string): string {
  const encoded = encodeURIComponent(client)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\./, '%2E');
  if (encoded.length <= longest) return encoded;
  return `${hashPrefix}${createHash('sha256').update(client).digest('hex')}`;
}

// encodeURIComponent never leaves a lone `%h`, so no name can look like a hash.
const hashPrefix = '%h';

/** Returns the client of a folder; null if the folder's name is a hash or not a name of this program. */
export function clientOfFolder(folder: string): string | null {
  if (folder.startsWith(hashPrefix)) return null;
  try {
    const client = decodeURIComponent(folder);
    return folderOfClient(client) === folder ? client : null;
  } catch {
    return null;
  }
}
