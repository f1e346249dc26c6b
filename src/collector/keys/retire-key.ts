import { rmSync } from 'node:fs';

import type { Client } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import type { KeyUse } from '../../storage/store/sealed-store.ts';
import { countSealedTo } from './count-sealed-to.ts';
import { syncFolderNow } from '../../state/durable-file.ts';
import { invalidKeys, publicFileOf, readPairs } from './key-files.ts';
import type { KeyPaths } from './key-files.ts';
import { isLongReplaced, listKeys } from './key-ring.ts';
import type { ListedKey } from './key-ring.ts';
import { readPublicKeys } from './public-keys.ts';
import { rememberRetired } from './retired-keys.ts';

export interface RetireKeyOptions {
  readonly paths: KeyPaths;
  /** 16 hexadecimal digits. */
  readonly id: string;
  /** True if the collector of this machine opens reports, which decides which key seals. */
  readonly opens: boolean;
  /** The use of the key in the database; null if there is no database yet; a fault if it cannot be asked. */
  readonly use: KeyUse | FleetError | null;
  /** The clients of config.xml. Reports on other machines are never taken. */
  readonly clients: readonly Pick<Client, 'name' | 'was' | 'state'>[];
  /** The names of clients whose reports are given up. */
  readonly except: readonly string[];
  /** Retires the key even if that gives up reports. */
  readonly force: boolean;
  readonly nowMs: number;
}

/**
 * Deletes a key for good: what is sealed to it can never be opened again. Remembers which key it was, and when. Throws
 * FleetError `keys-invalid` if the key is missing or seals, `key-in-use` if reports may wait that no other key opens.
 */
export function retireKey(options: RetireKeyOptions): ListedKey {
  const { paths, id, opens, nowMs } = options;
  const key = listKeys(paths, opens).find((listed) => listed.id === id);
  if (key === undefined) throw invalidKeys(`there is no key ${id} in ${paths.keys}`);
  if (key.seals) throw invalidKeys(`key ${id} is the one that seals`, 'Run `fleet-health keys rotate` first.');
  if (!options.force) throwWhenInUse(options);
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

function throwWhenInUse(options: RetireKeyOptions): void {
  const { paths, id, use } = options;
  const reasons: string[] = [];
  const advices: string[] = [];
  const found = (reason: string, advice: string): void => {
    reasons.push(reason);
    advices.push(advice);
  };
  const { waiting, quarantined } = countSealedTo(paths.encryptedStats, id, new Set(options.except));
  if (waiting > 0) {
    found(
      `${reportsWait(waiting)} in ${paths.encryptedStats} that only key ${id} opens`,
      'Run `fleet-health collect` first.',
    );
  }
  if (quarantined > 0) {
    const are = quarantined === 1 ? 'report in quarantine is' : 'reports in quarantine are';
    found(
      `${quarantined} ${are} sealed to key ${id}`,
      `Look at them and delete them: ${paths.encryptedStats}/*/quarantine.`,
    );
  }
  if (!(use instanceof FleetError) && mayStillSeal(options, use)) {
    found(
      `no report has come that is sealed to a newer key than ${id}, so the collector may still seal to it`,
      'Run `fleet-health keys import-public FILE` and then `fleet-health collect` on its machine.',
    );
  }
  if (use instanceof FleetError) {
    found(
      `the database cannot be asked what waits for key ${id} (${use.message})`,
      'Try again once it can be reached.',
    );
  } else if (use !== null) {
    if (use.waiting > 0) {
      found(
        `${reportsWait(use.waiting)} in the database that only key ${id} opens`,
        'Run `fleet-health ingest` first.',
      );
    }
    const holders = holdersOf(options, use);
    if (holders.length > 0) {
      found(
        `${named(holders)} may hold reports that are sealed to key ${id}`,
        'Let `fleet-health collect` visit them; where a restricted key or a spool of its own seals to it, install what `fleet-health authorize CLIENT --script` prints now. --except CLIENT gives up the reports of one.',
      );
    }
  }
  if (reasons.length === 0) return;
  throw new FleetError({
    code: 'key-in-use',
    stage: 'keys',
    message: reasons.join('; '),
    advice: `${advices.join(' ')} --force gives these reports up.`,
  });
}

/** True if another machine collects, and none of its reports shows that it has a newer key. */
function mayStillSeal({ paths, id, opens }: RetireKeyOptions, use: KeyUse | null): boolean {
  const keys = listKeys(paths, opens);
  const at = keys.findIndex((key) => key.id === id);
  if (opens || keys[at]?.opens !== true) return false;
  const newer = keys.slice(at + 1).map((key) => key.id);
  return ![...(use?.clients.values() ?? [])].some((sealedTo) => sealedTo?.some((key) => newer.includes(key)));
}

/**
 * Returns the clients that may hold reports sealed to the key, by their newest good visit. Returns none if the key was
 * replaced so long ago that these reports would be refused.
 */
function holdersOf({ paths, id, opens, clients, except, nowMs }: RetireKeyOptions, use: KeyUse): readonly string[] {
  const keys = listKeys(paths, opens);
  const replacedAtMs = keys[keys.findIndex((key) => key.id === id) + 1]?.createdAtMs;
  if (isLongReplaced(replacedAtMs, nowMs)) return [];
  return clients.flatMap(({ name, was, state }) => {
    const visited = [name, ...(was === null ? [] : [was])].filter((known) => use.clients.has(known));
    const mayHold = visited.some((known) => use.clients.get(known)?.includes(id) ?? true);
    return mayHold && state !== 'retired' && !except.includes(name) ? [name] : [];
  });
}

function reportsWait(count: number): string {
  return `${count} ${count === 1 ? 'report waits' : 'reports wait'}`;
}

function named(clients: readonly string[]): string {
  const shown = clients.slice(0, namedClients).join(', ');
  return clients.length > namedClients ? `${shown} and ${clients.length - namedClients} more` : shown;
}
