import { closeSync, constants, openSync, readSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import type { Client } from '../../config/config.ts';
import { errnoOf, FleetError } from '../../platform/errors/errors.ts';
import type { KeyUse } from '../../storage/store/sealed-store.ts';
import { clientOfFolder } from '../../state-folder/client-folder.ts';
import { syncFolderNow } from '../../state-folder/durable-file.ts';
import { namesIn } from '../../state-folder/folder-entries.ts';
import { inFolder, type HeldFolder, inHeld } from '../../state-folder/held-folder.ts';
import { namedUpTo } from '../../text/numbers.ts';
import { invalidKeys, publicFileOf, readPairs, type KeyPaths } from './key-files.ts';
import { isLongReplaced, listKeys, type ListedKey } from './key-ring.ts';
import { readPublicKeys } from './public-keys.ts';
import { rememberRetired } from './retired-keys.ts';

export interface RetireKeyOptions {
  readonly paths: KeyPaths;
  /** The key id: 16 hexadecimal digits. */
  readonly id: string;
  /** True if the collector of this machine opens reports, which determines the sealing key. */
  readonly opens: boolean;
  /** The use of the key in the database; null if there is no database yet; a fault if the database does not answer. */
  readonly use: KeyUse | FleetError | null;
  /** The clients of config.xml. Reports on other machines are never collected. */
  readonly clients: readonly Pick<Client, 'name' | 'was' | 'state'>[];
  /** The names of clients whose reports may be lost. */
  readonly except: readonly string[];
  /** True to retire the key even if reports are lost. */
  readonly force: boolean;
  readonly nowMs: number;
}

/**
 * Deletes a key for good: reports sealed to it can never be opened again. Records which key it was, and when. Throws
 * FleetError `keys-invalid` if the key is missing or seals, `key-in-use` if reports may wait that no other key opens.
 */
export function retireKey(options: RetireKeyOptions): ListedKey {
  const { paths, id, opens, nowMs } = options;
  const keys = listKeys(paths, opens);
  const at = keys.findIndex((listed) => listed.id === id);
  const key = keys[at];
  if (key === undefined) throw invalidKeys(`there is no key ${id} in ${paths.keys}`);
  if (key.seals) throw invalidKeys(`key ${id} is the one that seals`, 'Run `fleet-health keys rotate` first.');
  if (!options.force) throwWhenInUse(options, key, keys.slice(at + 1));
  const publicKey =
    readPairs(paths).find((stored) => stored.id === id)?.pair.publicKey ??
    readPublicKeys(paths).find((stored) => stored.id === id)?.publicKey;
  if (publicKey !== undefined) rememberRetired(paths, { ...key, publicKey }, nowMs);
  if (key.opens) {
    rmSync(key.file);
    syncFolderNow(paths.keys);
  }
  rmSync(publicFileOf(paths, key.file), { force: true });
  return key;
}

const namedClients = 5;

function throwWhenInUse(options: RetireKeyOptions, key: ListedKey, newer: readonly ListedKey[]): void {
  const { paths, id, use } = options;
  const reasons: string[] = [];
  const advices: string[] = [];
  const found = (reason: string, advice: string): void => {
    reasons.push(reason);
    advices.push(advice);
  };
  const { waiting, quarantined } = countSealedTo(paths.encryptedStats, id, new Set(options.except));
  if (waiting > 0) {
    const place = `in ${paths.encryptedStats} that only key ${id} opens`;
    found(`${reportsWait(waiting)} ${place}`, 'Run `fleet-health collect` first.');
  }
  const kept = countKept(paths.stored, id);
  if (kept > 0) {
    const are = kept === 1 ? 'report that has' : 'reports that have';
    const reason = `${kept} ${are} become rows in ${paths.stored}, in case the database forgets them, need key ${id}`;
    found(reason, 'They go once <collector keepStored> has passed and `fleet-health collect` has run twice.');
  }
  if (quarantined > 0) {
    const are = quarantined === 1 ? 'report in quarantine is' : 'reports in quarantine are';
    const advice = `Look at them and delete them: ${paths.encryptedStats}/*/quarantine.`;
    found(`${quarantined} ${are} sealed to key ${id}`, advice);
  }
  if (use instanceof FleetError) {
    const reason = `the database cannot be asked what waits for key ${id} (${use.message})`;
    found(reason, 'Try again once it can be reached.');
  } else {
    // Another machine collects, and none of its reports shows that it has a newer key.
    const sealedTo = [...(use?.clients.values() ?? [])].flatMap((keyIds) => keyIds ?? []);
    if (!options.opens && key.opens && !newer.some((one) => sealedTo.includes(one.id))) {
      found(
        `no report has come that is sealed to a newer key than ${id}, so the collector may still seal to it`,
        'Run `fleet-health keys import-public FILE` and then `fleet-health collect` on its machine.',
      );
    }
    if (use !== null && use.waiting > 0) {
      const reason = `${reportsWait(use.waiting)} in the database that only key ${id} opens`;
      found(reason, 'Run `fleet-health ingest` first.');
    }
    const holders = use === null ? [] : holdersOf(options, use, newer[0]);
    if (holders.length > 0) {
      found(
        `${namedUpTo(namedClients, holders)} may hold reports that are sealed to key ${id}`,
        'Let `fleet-health collect` visit them; where a restricted key or a spool of its own seals to it, install ' +
          'what `fleet-health authorize CLIENT --script` prints now. --except CLIENT gives up the reports of one.',
      );
    }
  }
  if (reasons.length === 0) return;
  const advice = `${advices.join(' ')} --force gives these reports up.`;
  throw new FleetError({ code: 'key-in-use', stage: 'keys', message: reasons.join('; '), advice });
}

/**
 * Returns the clients that may hold reports sealed to the key, by their newest good visit. Returns none if the key was
 * replaced so long ago that these reports would be refused.
 */
function holdersOf(
  { id, clients, except, nowMs }: RetireKeyOptions,
  use: KeyUse,
  successor: ListedKey | undefined,
): readonly string[] {
  if (isLongReplaced(successor?.createdAtMs, nowMs)) return [];
  return clients.flatMap(({ name, was, state }) => {
    const visited = [name, ...(was === null ? [] : [was])].filter((known) => use.clients.has(known));
    const mayHold = visited.some((known) => use.clients.get(known)?.includes(id) ?? true);
    return mayHold && state !== 'retired' && !except.includes(name) ? [name] : [];
  });
}

function reportsWait(count: number): string {
  return `${count} ${count === 1 ? 'report waits' : 'reports wait'}`;
}

/** The position of the key id after the magic (FORMAT.md). */
const keyIdAt = 4;
const keyIdBytes = 8;

type SealedToCount = Readonly<Record<'waiting' | 'quarantined', number>>;

/**
 * Counts the sealed reports under encrypted_stats/ that are sealed to a key. Omits the quarantine of `givenUp` clients.
 * Throws errors of fs.
 */
export function countSealedTo(dir: string, keyId: string, givenUp: ReadonlySet<string>): SealedToCount {
  let waiting = 0;
  let quarantined = 0;
  for (const folder of namesIn(dir, (entry) => entry.isDirectory())) {
    // A collector may remove the folder meanwhile.
    orNull(() =>
      inFolder(path.join(dir, folder), (held) => {
        waiting += countIn(held, keyId);
        if (givenUp.has(clientOfFolder(folder) ?? '') || held.facts('quarantine')?.isDirectory() !== true) return;
        quarantined += inHeld(held, 'quarantine', (place) => countIn(place, keyId));
      }),
    );
  }
  return { waiting, quarantined };
}

function countIn(folder: HeldFolder, keyId: string): number {
  const reports = folder.entries().filter((entry) => entry.isFile() && entry.name.endsWith('.fhs'));
  return reports.filter(({ name }) => keyIdOfFile(folder.at(name)) === keyId).length;
}

/** Counts the reports that are kept until the database is known to keep them. Throws errors of fs. */
function countKept(stored: string, keyId: string): number {
  const entries = orNull(() => readdirSync(stored, { withFileTypes: true, recursive: true })) ?? [];
  const reports = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.fhs'));
  return reports.filter(({ parentPath, name }) => keyIdOfFile(path.join(parentPath, name)) === keyId).length;
}

/** Returns the key id of a sealed file; null if a collector has removed the file meanwhile. */
function keyIdOfFile(file: string): string | null {
  const descriptor = orNull(() => openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
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
