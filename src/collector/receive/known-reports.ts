/** src/collector/receive: receives streams that clients push, and files that sites put. */
import { createHash } from 'node:crypto';
import path from 'node:path';

import { folderOfClient } from '../../state-folder/client-folder.ts';
import { syncFolder } from '../../state-folder/durable-file.ts';
import { filesIn } from '../inbox/document-files.ts';
import { readSealed } from '../sealed-reports/sealed-spool.ts';

/** The number of remembered reports of a client: more than it makes in half a day. */
const maxOfClient = 150;

/** Remembers the newest reports of each client that were stored safely, by their bytes. */
export class RememberedReports {
  readonly #digests = new Map<string, Set<string>>();

  has(client: string, sealed: Uint8Array): boolean {
    return this.#digests.get(client)?.has(digestOf(sealed)) ?? false;
  }

  add(client: string, sealed: Uint8Array): void {
    const digests = this.#digests.get(client) ?? new Set();
    this.#digests.set(client, digests.add(digestOf(sealed)));
    const [oldest] = digests;
    if (digests.size > maxOfClient && oldest !== undefined) digests.delete(oldest);
  }
}

/** Returns a digest of 16 bytes as characters, to save memory. */
function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest().toString('latin1', 0, 16);
}

/**
 * Returns a function that returns true if the spool already holds these bytes under this report id, as of the first
 * call, and synced to survive a power loss.
 */
export function spooledFinder(dir: string, client: string): (reportId: string, sealed: Uint8Array) => Promise<boolean> {
  const folder = path.join(dir, folderOfClient(client));
  let names: ReadonlyMap<string, string> | null = null;
  let synced: Promise<void> | null = null;
  const holds = (name: string, sealed: Uint8Array): boolean => {
    try {
      return readSealed(path.join(folder, name)).equals(sealed);
    } catch {
      // The report is a row by now, or damaged: it is written again.
      return false;
    }
  };
  return async (reportId, sealed) => {
    names ??= namesById(folder);
    const name = names.get(reportId);
    if (name === undefined || !holds(name, sealed)) return false;
    // The process that wrote the file may have been killed before its sync.
    synced ??= syncFolder(folder);
    await synced;
    return true;
  };
}

/** Returns the names of the sealed files by their report ids. */
function namesById(folder: string): ReadonlyMap<string, string> {
  return new Map(filesIn(folder, '.fhs').map((name) => [name.split('.', 1)[0] ?? name, name]));
}
