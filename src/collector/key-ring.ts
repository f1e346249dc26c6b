import { chmodSync, lstatSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { FleetError, messageOf } from '../errors.ts';
import type { StatePaths } from '../paths.ts';
import {
  generateKeyPair,
  privateKeyFromPem,
  privateKeyToPem,
  privateKeysOf,
  publicKeyToPem,
} from '../seal/key-pair.ts';
import type { KeyPair } from '../seal/key-pair.ts';
import type { PrivateKeys } from '../seal/open.ts';
import { countSealedTo } from './count-sealed-to.ts';
import { errnoOf, partSuffix, syncFolder, writeDurably } from './durable-file.ts';

/** The live key pairs: the newest seals, all open. */
export interface KeyRing {
  readonly sealing: KeyPair;
  readonly opening: PrivateKeys;
  /** True when this call made the first pair. */
  readonly made: boolean;
}

export interface ListedKey {
  /** 16 hexadecimal digits. */
  readonly id: string;
  readonly createdAtMs: number;
  /** Whether new reports are sealed to it: the newest one. */
  readonly seals: boolean;
  /** Absolute path of the private key. */
  readonly file: string;
}

type KeyPaths = Pick<StatePaths, 'keys' | 'publicKeys' | 'encryptedStats'>;

interface StoredPair extends ListedKey {
  readonly pair: KeyPair;
}

/** All live pairs, the first made when there is none. Throws FleetError `keys-invalid` or `state-unusable`. */
export function loadKeyRing(paths: KeyPaths, nowMs: number): KeyRing {
  const before = readPairs(paths);
  const pairs = before.length > 0 ? before : [addPair(paths, nowMs)];
  const sealing = pairs.find((stored) => stored.seals) ?? pairs[0];
  if (sealing === undefined) throw invalid(`${paths.keys} holds no key pair`);
  return {
    sealing: sealing.pair,
    opening: privateKeysOf(pairs.map((stored) => stored.pair)),
    made: before.length === 0,
  };
}

/** Oldest first. Throws FleetError `keys-invalid` or `state-unusable`. */
export function listKeys(paths: KeyPaths): readonly ListedKey[] {
  return readPairs(paths).map(listed);
}

/** Makes the first pair. Throws FleetError `keys-invalid` when there is one. */
export function generateKey(paths: KeyPaths, nowMs: number): ListedKey {
  if (readPairs(paths).length > 0) {
    throw invalid(`${paths.keys} holds a key pair already`, 'Use `fleet-health keys rotate` for a new one.');
  }
  return listed(addPair(paths, nowMs));
}

/** Makes a new pair that seals from now on. The older ones go on opening what is sealed to them. */
export function rotateKeys(paths: KeyPaths, nowMs: number): ListedKey {
  const newest = readPairs(paths).at(-1);
  // The newest is known by its time, so a clock that went back must not make the new pair an old one.
  return listed(addPair(paths, Math.max(nowMs, (newest?.createdAtMs ?? 0) + 1000)));
}

/**
 * Deletes a pair for good: what is sealed to it can never be opened again. Throws FleetError `keys-invalid` when it is
 * not there, is the one that seals, or reports wait here that no other pair opens.
 */
export function retireKey(paths: KeyPaths, id: string): ListedKey {
  const key = readPairs(paths).find((stored) => stored.id === id);
  if (key === undefined) throw invalid(`there is no key ${id} in ${paths.keys}`);
  if (key.seals) throw invalid(`key ${id} is the one that seals`, 'Run `fleet-health keys rotate` first.');
  const waiting = countSealedTo(paths.encryptedStats, id);
  if (waiting > 0) {
    throw invalid(`${waiting} reports wait that only key ${id} opens`, 'Run `fleet-health collect` first.');
  }
  rmSync(key.file);
  syncFolder(paths.keys);
  rmSync(publicFile(paths, key.file), { force: true });
  return listed(key);
}

function listed({ id, createdAtMs, seals, file }: StoredPair): ListedKey {
  return { id, createdAtMs, seals, file };
}

const namePattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-([0-9a-f]{16})\.pem$/;

function addPair(paths: KeyPaths, nowMs: number): StoredPair {
  const pair = generateKeyPair();
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const file = path.join(paths.keys, `${time}-${pair.id}.pem`);
  try {
    writeDurably({ file, content: privateKeyToPem(pair), mode: 0o600, exclusive: true });
    writePublicCopy(paths, file, pair);
  } catch (thrown) {
    throw new FleetError({ code: 'state-unusable', stage: 'keys', message: messageOf(thrown), cause: thrown });
  }
  return { id: pair.id, createdAtMs: Math.floor(nowMs / 1000) * 1000, seals: true, file, pair };
}

function readPairs(paths: KeyPaths): readonly StoredPair[] {
  let names: readonly string[];
  try {
    names = readdirSync(paths.keys).filter((name) => !name.endsWith(partSuffix));
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return [];
    throw new FleetError({ code: 'state-unusable', stage: 'keys', message: messageOf(thrown), cause: thrown });
  }
  const newest = names.toSorted().at(-1);
  return names.toSorted().map((name) => readPair(paths, name, name === newest));
}

function readPair(paths: KeyPaths, name: string, seals: boolean): StoredPair {
  const file = path.join(paths.keys, name);
  const [, year, month, day, hour, minute, second, id] = namePattern.exec(name) ?? [];
  const createdAtMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (id === undefined || Number.isNaN(createdAtMs)) {
    throw invalid(`${file} is not named like a key (time-id.pem)`, 'Move it out of the folder.');
  }
  const pair = readPrivateKey(file);
  if (pair.id !== id) throw invalid(`${file} holds another key: its id is ${pair.id}`, 'Put the right file back.');
  checkPublicCopy(paths, file, pair);
  return { id, createdAtMs, seals, file, pair };
}

function readPrivateKey(file: string): KeyPair {
  const facts = orInvalid(file, () => lstatSync(file));
  if (!facts.isFile()) throw invalid(`${file} is no regular file`, 'Move it out of the folder.');
  if ((facts.mode & 0o077) !== 0) {
    throw invalid(`${file} can be used by others`, `Run chmod 600 '${file}', and think of rotating.`);
  }
  return orInvalid(file, () => privateKeyFromPem(readFileSync(file, 'utf8')));
}

function orInvalid<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw new FleetError({
      code: 'keys-invalid',
      stage: 'keys',
      message: `${file}: ${messageOf(thrown)}`,
      advice: 'Put it back from a backup, or move it away and lose what is sealed to it.',
      cause: thrown,
    });
  }
}

function publicFile(paths: KeyPaths, privateFile: string): string {
  return path.join(paths.publicKeys, path.basename(privateFile));
}

/** The copy is there to be looked at. A missing one is written; a differing one means that somebody was misled. */
function checkPublicCopy(paths: KeyPaths, privateFile: string, pair: KeyPair): void {
  const file = publicFile(paths, privateFile);
  let copy: string;
  try {
    copy = readFileSync(file, 'utf8');
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw invalid(messageOf(thrown), 'Make it readable.');
    orInvalid(file, () => writePublicCopy(paths, privateFile, pair));
    return;
  }
  if (copy.trim() !== publicKeyToPem(pair.publicKey).trim()) {
    throw invalid(`${file} differs from the public key of ${privateFile}`, 'Find out who changed it, then delete it.');
  }
}

function writePublicCopy(paths: KeyPaths, privateFile: string, pair: KeyPair): void {
  const file = publicFile(paths, privateFile);
  writeDurably({ file, content: publicKeyToPem(pair.publicKey), mode: 0o644 });
  chmodSync(paths.publicKeys, 0o755);
}

function invalid(message: string, advice?: string): FleetError {
  return new FleetError({
    code: 'keys-invalid',
    stage: 'keys',
    message,
    ...(advice === undefined ? {} : { advice }),
  });
}
