import { privateKeysOf, type KeyPair } from '../../report/seal/key-pair.ts';
import type { PrivateKeys } from '../../report/seal/open.ts';
import { keyIdOf } from '../../report/seal/sealed-message.ts';
import { addPair, invalidKeys, readPairs, type KeyPaths, type StoredPair } from './key-files.ts';
import { addPublicKey, readPublicKeys } from './public-keys.ts';
import { describeMissingKey, type MissingKey } from './retired-keys.ts';
import { dayMs } from '../../platform/units.ts';

/** The live keys. Reports are sealed to the newest. */
export interface KeyRing {
  readonly sealing: {
    readonly id: string;
    /** The raw key, 32 bytes. */
    readonly publicKey: Uint8Array;
  };
  /** The keys that open reports; null if there are only public keys. */
  readonly opening: PrivateKeys | null;
  /** The keys whose reports are accepted. */
  readonly known: KnownKeys;
  /** True if this call made the first pair. */
  readonly made: boolean;
}

/** The ids of keys whose reports are accepted. */
export interface KnownKeys {
  readonly has: (keyId: string) => boolean;
  /** Describes a key that is not live here. */
  readonly describeMissing: (keyId: string) => MissingKey;
}

export interface ListedKey {
  /** The key id: 16 hexadecimal digits. */
  readonly id: string;
  readonly createdAtMs: number;
  /** True if the key is the newest, to which new reports are sealed. */
  readonly seals: boolean;
  /** True if the private half is here. */
  readonly opens: boolean;
  /** The absolute path of the private key, or of the public one if there is no private one. */
  readonly file: string;
}

/**
 * The days for which a client may seal to a replaced key: a restricted key does until `authorize` runs again. Later
 * reports are refused, so that no client can prevent the retirement of a key.
 */
const replacedKeyDays = 90;

/** True if a key was replaced so long ago that its reports are refused. */
export function isLongReplaced(replacedAtMs: number | undefined, nowMs: number): boolean {
  return replacedAtMs !== undefined && nowMs - replacedAtMs > replacedKeyDays * dayMs;
}

/**
 * Returns all live pairs. Makes the first pair if there is none. Throws FleetError `keys-invalid` or `state-unusable`.
 */
export function loadKeyRing(
  paths: KeyPaths,
  nowMs: number,
): KeyRing & { readonly sealing: KeyPair; readonly opening: PrivateKeys } {
  const before = readPairs(paths);
  const pairs = before.length > 0 ? before : [addPair(paths, nowMs)];
  const { pair: sealing } = pairs.at(-1) as StoredPair;
  const opening = privateKeysOf(pairs.map(({ pair }) => pair));
  const known = knownKeys(pairs, nowMs, (keyId) => describeMissingKey(paths, keyId));
  return { sealing, opening, known, made: before.length === 0 };
}

/** Returns the pairs of a machine that opens reports for others. Makes none. Throws FleetError `keys-invalid`. */
export function loadOpeningKeys(paths: KeyPaths): PrivateKeys {
  const pairs = readPairs(paths);
  if (pairs.length === 0) {
    const advice = 'Run `ingest` where the private keys are, or put them back into keys/ from a backup.';
    throw invalidKeys(`${paths.keys} holds no private key, so nothing can be opened here`, advice);
  }
  return privateKeysOf(pairs.map((stored) => stored.pair));
}

/**
 * Returns the public keys of a machine that opens nothing. Never makes a key, because nobody could open reports sealed
 * to it. Throws FleetError `keys-invalid` or `state-unusable`.
 */
export function loadSealingRing(paths: KeyPaths, nowMs: number): KeyRing {
  // Writes the missing public halves of pairs that exist here nevertheless.
  readPairs(paths);
  const keys = readPublicKeys(paths);
  const sealing = keys.at(-1);
  if (sealing === undefined) {
    const advice =
      'Where reports are opened run `fleet-health keys generate`, ' +
      'copy its file of public_keys/ here and run `fleet-health keys import-public FILE`.';
    throw invalidKeys(`${paths.publicKeys} holds no public key to seal to`, advice);
  }
  const known = knownKeys(keys, nowMs, (keyId) => {
    const { clause } = describeMissingKey(paths, keyId);
    const advice = 'Run `fleet-health keys import-public FILE` with its public half, from the machine that opens.';
    return { clause, advice };
  });
  return { sealing, opening: null, known, made: false };
}

/**
 * Returns the keys of a site that forwards. The site seals to the given key, and accepts reports sealed to earlier
 * ones. Throws FleetError `keys-invalid` or `state-unusable`.
 */
export function loadSiteRing(paths: KeyPaths, publicKey: Uint8Array, nowMs: number): KeyRing {
  addPublicKey(paths, publicKey, nowMs);
  const ring = loadSealingRing(paths, nowMs);
  return { ...ring, sealing: { id: keyIdOf(publicKey), publicKey } };
}

/** Returns the keys whose reports are accepted. Expects `keys` oldest first. */
function knownKeys(
  keys: readonly Pick<ListedKey, 'id' | 'createdAtMs'>[],
  nowMs: number,
  describeMissing: KnownKeys['describeMissing'],
): KnownKeys {
  const replaced = new Map(keys.map(({ id }, at) => [id, keys[at + 1]?.createdAtMs]));
  return {
    has: (keyId) => replaced.has(keyId) && !isLongReplaced(replaced.get(keyId), nowMs),
    describeMissing: (keyId) => {
      const atMs = replaced.get(keyId);
      if (atMs === undefined) return describeMissing(keyId);
      const clause =
        `key ${keyId}, which was replaced on ${new Date(atMs).toISOString().slice(0, 10)}, ` +
        `more than ${replacedKeyDays} days ago`;
      return { clause, advice: 'Install what `fleet-health authorize CLIENT --script` prints now.' };
    },
  };
}

/**
 * Lists all keys, oldest first, for a collector that opens reports or one that does not. Throws FleetError
 * `keys-invalid` or `state-unusable`.
 */
export function listKeys(paths: KeyPaths, opens = true): readonly ListedKey[] {
  const pairs = readPairs(paths);
  const withPair = new Set(pairs.map(({ id }) => id));
  // A collector that opens reports does not use public keys alone.
  const publicOnes = opens && pairs.length > 0 ? [] : readPublicKeys(paths).filter(({ id }) => !withPair.has(id));
  const sealing = (opens ? pairs : [...pairs, ...publicOnes]).map(nameOf).toSorted().at(-1);
  return [...pairs, ...publicOnes]
    .map(({ id, createdAtMs, file }) => {
      const seals = nameOf({ id, createdAtMs }) === sealing;
      return { id, createdAtMs, seals, opens: withPair.has(id), file };
    })
    .sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
}

/** Returns a text that sorts by time, then id, as the files' names do. */
function nameOf({ createdAtMs, id }: Pick<ListedKey, 'createdAtMs' | 'id'>): string {
  return `${String(createdAtMs).padStart(15, '0')} ${id}`;
}

/** Makes the first pair. Throws FleetError `keys-invalid` if there is one already. */
export function generateKey(paths: KeyPaths, nowMs: number): ListedKey {
  if (readPairs(paths).length > 0) {
    throw invalidKeys(`${paths.keys} holds a key pair already`, 'Use `fleet-health keys rotate` for a new one.');
  }
  return madeKey(paths, nowMs);
}

/** Makes a new pair to which reports are sealed from now on. Older pairs still open reports sealed to them. */
export function rotateKeys(paths: KeyPaths, nowMs: number): ListedKey {
  const newest = readPairs(paths).at(-1);
  // The time identifies the newest pair, so a clock that went back must not make the new pair an older one.
  return madeKey(paths, Math.max(nowMs, (newest?.createdAtMs ?? 0) + 1000));
}

function madeKey(paths: KeyPaths, atMs: number): ListedKey {
  const { id, createdAtMs, file } = addPair(paths, atMs);
  return { id, createdAtMs, seals: true, opens: true, file };
}
