import { privateKeysOf } from '../../seal/key-pair.ts';
import type { KeyPair } from '../../seal/key-pair.ts';
import type { PrivateKeys } from '../../seal/open.ts';
import { addPair, invalidKeys, readPairs } from './key-files.ts';
import type { KeyPaths } from './key-files.ts';
import { readPublicKeys } from './public-keys.ts';
import { describeMissingKey } from './retired-keys.ts';
import { dayMs } from '../../platform/units.ts';
import type { MissingKey } from './retired-keys.ts';

/** The live keys: the newest seals. */
export interface KeyRing {
  readonly sealing: {
    readonly id: string;
    /** Raw, 32 bytes. */
    readonly publicKey: Uint8Array;
  };
  /** All of them open; null where only public keys are. */
  readonly opening: PrivateKeys | null;
  /** Whose reports are taken. */
  readonly known: KnownKeys;
  /** True when this call made the first pair. */
  readonly made: boolean;
}

/** Of a collector that opens. */
export interface OpeningRing extends KeyRing {
  readonly sealing: KeyPair;
  readonly opening: PrivateKeys;
}

/** Ids of keys. */
export interface KnownKeys {
  readonly has: (keyId: string) => boolean;
  /** What there is to say of one that is not live here. */
  readonly describeMissing: (keyId: string) => MissingKey;
}

export interface ListedKey {
  /** 16 hexadecimal digits. */
  readonly id: string;
  readonly createdAtMs: number;
  /** Whether new reports are sealed to it: the newest one. */
  readonly seals: boolean;
  /** Whether the private half is here. */
  readonly opens: boolean;
  /** Absolute path of the private key, or of the public one where that is all there is. */
  readonly file: string;
}

/**
 * A client may go on sealing to a key for so long after a newer one was made: a restricted key does until `authorize`
 * runs again. Later its reports are refused, so that no client can keep a key from being retired for ever.
 */
export const replacedKeyDays = 90;

/** True if reports are not taken any more that are sealed to a key which another replaced at this time. */
export function isLongReplaced(replacedAtMs: number | undefined, nowMs: number): boolean {
  return replacedAtMs !== undefined && nowMs - replacedAtMs > replacedKeyDays * dayMs;
}

/** All live pairs, the first made when there is none. Throws FleetError `keys-invalid` or `state-unusable`. */
export function loadKeyRing(paths: KeyPaths, nowMs: number): OpeningRing {
  const before = readPairs(paths);
  const pairs = before.length > 0 ? before : [addPair(paths, nowMs)];
  const sealing = pairs.at(-1)?.pair;
  if (sealing === undefined) throw invalidKeys(`${paths.keys} holds no key pair`);
  const opening = privateKeysOf(pairs.map((stored) => stored.pair));
  return {
    sealing,
    opening,
    known: knownKeys(pairs, nowMs, (keyId) => describeMissingKey(paths, keyId)),
    made: before.length === 0,
  };
}

/** The pairs that open, of a machine that is there to open: none is made. Throws FleetError `keys-invalid`. */
export function loadOpeningKeys(paths: KeyPaths): PrivateKeys {
  const pairs = readPairs(paths);
  if (pairs.length === 0) {
    const advice = 'Run `ingest` where the private keys are, or put them back into keys/ from a backup.';
    throw invalidKeys(`${paths.keys} holds no private key, so nothing can be opened here`, advice);
  }
  return privateKeysOf(pairs.map((stored) => stored.pair));
}

/**
 * The public keys of a machine that opens nothing. None is made, for nobody could open what is sealed to it. Throws
 * FleetError `keys-invalid` or `state-unusable`.
 */
export function loadSealingRing(paths: KeyPaths, nowMs: number): KeyRing {
  // Writes the public halves of pairs that are here all the same.
  readPairs(paths);
  const keys = readPublicKeys(paths);
  const sealing = keys.at(-1);
  if (sealing === undefined) {
    const advice =
      'Where reports are opened run `fleet-health keys generate`, copy its file of public_keys/ here and run `fleet-health keys import-public FILE`.';
    throw invalidKeys(`${paths.publicKeys} holds no public key to seal to`, advice);
  }
  const known = knownKeys(keys, nowMs, (keyId) => {
    const { clause } = describeMissingKey(paths, keyId);
    const advice = 'Run `fleet-health keys import-public FILE` with its public half, from the machine that opens.';
    return { clause, advice };
  });
  return { sealing, opening: null, known, made: false };
}

/** `keys` with the oldest first. */
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
      const clause = `key ${keyId}, which was replaced on ${new Date(atMs).toISOString().slice(0, 10)}, more than ${replacedKeyDays} days ago`;
      return { clause, advice: 'Install what `fleet-health authorize CLIENT --script` prints now.' };
    },
  };
}

/** Oldest first. `opens`: whether the collector of this machine opens reports. Throws FleetError `keys-invalid` or `state-unusable`. */
export function listKeys(paths: KeyPaths, opens = true): readonly ListedKey[] {
  const pairs = readPairs(paths);
  const withPair = new Set(pairs.map(({ id }) => id));
  // Of a collector that opens they are looked at by nobody.
  const publicOnes = opens && pairs.length > 0 ? [] : readPublicKeys(paths).filter(({ id }) => !withPair.has(id));
  const sealing = (opens ? pairs : [...pairs, ...publicOnes]).map(nameOf).toSorted().at(-1);
  return [...pairs, ...publicOnes]
    .map((key) => ({
      id: key.id,
      createdAtMs: key.createdAtMs,
      seals: nameOf(key) === sealing,
      opens: withPair.has(key.id),
      file: key.file,
    }))
    .sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
}

/** In the order of time, then id: that of the files' names. */
function nameOf({ createdAtMs, id }: Pick<ListedKey, 'createdAtMs' | 'id'>): string {
  return `${String(createdAtMs).padStart(15, '0')} ${id}`;
}

/** Makes the first pair. Throws FleetError `keys-invalid` when there is one. */
export function generateKey(paths: KeyPaths, nowMs: number): ListedKey {
  if (readPairs(paths).length > 0) {
    throw invalidKeys(`${paths.keys} holds a key pair already`, 'Use `fleet-health keys rotate` for a new one.');
  }
  return madeKey(paths, nowMs);
}

/** Makes a new pair that seals from now on. The older ones go on opening what is sealed to them. */
export function rotateKeys(paths: KeyPaths, nowMs: number): ListedKey {
  const newest = readPairs(paths).at(-1);
  // The newest is known by its time, so a clock that went back must not make the new pair an old one.
  return madeKey(paths, Math.max(nowMs, (newest?.createdAtMs ?? 0) + 1000));
}

function madeKey(paths: KeyPaths, atMs: number): ListedKey {
  const { id, createdAtMs, file } = addPair(paths, atMs);
  return { id, createdAtMs, seals: true, opens: true, file };
}
