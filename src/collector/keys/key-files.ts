/** src/collector/keys: the key ring. */
import { chmodSync, lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { errnoOf, FleetError, messageOf } from '../../platform/errors/errors.ts';
import type { StatePaths } from '../../state-folder/paths.ts';
import { generateKeyPair, privateKeyFromPem, privateKeyToPem, publicKeyToPem } from '../../report/seal/key-pair.ts';
import type { KeyPair } from '../../report/seal/key-pair.ts';
import { partSuffix, writeDurably } from '../../state-folder/durable-file.ts';
import { namesIn } from '../../state-folder/folder-entries.ts';

export type KeyPaths = Pick<StatePaths, 'keys' | 'publicKeys' | 'retiredKeys' | 'encryptedStats' | 'stored'>;

/** A pair of keys/, in `<time>-<id>.pem`. Its public half has the same name in public_keys/. */
export interface StoredPair {
  /** The key id: 16 hexadecimal digits. */
  readonly id: string;
  readonly createdAtMs: number;
  /** The absolute path of the private key. */
  readonly file: string;
  readonly pair: KeyPair;
}

/** Returns the id and time in the name of a key's file; null if the name has another form. */
export function factsOfKeyName(name: string): { readonly id: string; readonly createdAtMs: number } | null {
  const [, year, month, day, hour, minute, second, id] = namePattern.exec(name) ?? [];
  const createdAtMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return id === undefined || Number.isNaN(createdAtMs) ? null : { id, createdAtMs };
}

const namePattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-([0-9a-f]{16})\.pem$/;

/** Returns the name of a key's file. */
export function keyName(id: string, createdAtMs: number): string {
  const time = new Date(createdAtMs).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${time}-${id}.pem`;
}

/** Reads all pairs, oldest first. Throws FleetError `keys-invalid` or `state-unusable`. */
export function readPairs(paths: KeyPaths): readonly StoredPair[] {
  return keyFilesIn(paths.keys).map((name) => readPair(paths, name));
}

/** Returns the sorted file names of a folder of keys. Throws FleetError `state-unusable`. */
export function keyFilesIn(dir: string): readonly string[] {
  return namesIn(dir, ({ name }) => !name.endsWith(partSuffix));
}

/** Makes a pair and stores both halves. Throws FleetError `state-unusable`. */
export function addPair(paths: KeyPaths, nowMs: number): StoredPair {
  const pair = generateKeyPair();
  const file = path.join(paths.keys, keyName(pair.id, nowMs));
  try {
    writeDurably({ file, content: privateKeyToPem(pair), mode: 0o600, exclusive: true });
    writePublicKey(publicFileOf(paths, file), pair.publicKey);
  } catch (thrown) {
    throw new FleetError({ code: 'state-unusable', stage: 'keys', message: messageOf(thrown), cause: thrown });
  }
  return { id: pair.id, createdAtMs: Math.floor(nowMs / 1000) * 1000, file, pair };
}

/** Returns the file of the public half of a private key's file. */
export function publicFileOf(paths: KeyPaths, privateFile: string): string {
  return path.join(paths.publicKeys, path.basename(privateFile));
}

/** Writes a public key that everybody may read. Throws errors of fs. */
export function writePublicKey(file: string, publicKey: Uint8Array): void {
  writeDurably({ file, content: publicKeyToPem(publicKey), mode: 0o644 });
  chmodSync(path.dirname(file), 0o755);
}

/** Creates a FleetError `keys-invalid`. */
export function invalidKeys(message: string, advice?: string, cause?: unknown): FleetError {
  return new FleetError({ code: 'keys-invalid', stage: 'keys', message, advice, cause });
}

function readPair(paths: KeyPaths, name: string): StoredPair {
  const file = path.join(paths.keys, name);
  const facts = factsOfKeyName(name);
  if (facts === null) {
    throw invalidKeys(`${file} is not named like a key (time-id.pem)`, 'Move it out of the folder.');
  }
  const pair = readPrivateKey(file);
  if (pair.id !== facts.id) {
    throw invalidKeys(`${file} holds another key: its id is ${pair.id}`, 'Put the right file back.');
  }
  checkPublicCopy(paths, file, pair);
  return { ...facts, file, pair };
}

function readPrivateKey(file: string): KeyPair {
  const facts = orInvalid(file, () => lstatSync(file));
  if (!facts.isFile()) throw invalidKeys(`${file} is no regular file`, 'Move it out of the folder.');
  if ((facts.mode & 0o077) !== 0) {
    throw invalidKeys(`${file} can be used by others`, `Run chmod 600 '${file}', and think of rotating.`);
  }
  return orInvalid(file, () => privateKeyFromPem(readFileSync(file, 'utf8')));
}

function orInvalid<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    const advice = 'Put it back from a backup, or move it away and lose what is sealed to it.';
    throw invalidKeys(`${file}: ${messageOf(thrown)}`, advice, thrown);
  }
}

/** Writes a missing public copy. Refuses a copy that differs: it may have misled people. */
function checkPublicCopy(paths: KeyPaths, privateFile: string, pair: KeyPair): void {
  const file = publicFileOf(paths, privateFile);
  let copy: string;
  try {
    copy = readFileSync(file, 'utf8');
  } catch (thrown) {
    if (errnoOf(thrown) !== 'ENOENT') throw invalidKeys(messageOf(thrown), 'Make it readable.');
    orInvalid(file, () => writePublicKey(file, pair.publicKey));
    return;
  }
  if (copy.trim() !== publicKeyToPem(pair.publicKey).trim()) {
    const advice = 'Find out who changed it, then delete it.';
    throw invalidKeys(`${file} differs from the public key of ${privateFile}`, advice);
  }
}
