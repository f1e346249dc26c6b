import { lstatSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

import { fileFault, messageOf } from '../../platform/errors/errors.ts';
import { publicKeyFromPem } from '../../report/seal/key-pair.ts';
import { keyIdOf } from '../../report/seal/sealed-message.ts';
import { factsOfKeyName, invalidKeys, keyFilesIn, keyName, writePublicKey, type KeyPaths } from './key-files.ts';

/** A public key of public_keys/, to which a collector without the private half seals. */
export interface StoredPublicKey {
  readonly id: string;
  readonly createdAtMs: number;
  /** The absolute path. */
  readonly file: string;
  /** The raw key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** The most bytes of a key file. A PEM of a public key has 113 bytes. */
const maxFileBytes = 16 * 1024;

/**
 * Reads all public keys, oldest first. Omits entries that are not regular files. Throws FleetError `keys-invalid` or
 * `state-unusable`.
 */
export function readPublicKeys(paths: KeyPaths): readonly StoredPublicKey[] {
  return keyFilesIn(paths.publicKeys).flatMap((name) => {
    const file = path.join(paths.publicKeys, name);
    if (!name.endsWith('.pem') || !lstatSync(file).isFile()) return [];
    const facts = factsOfKeyName(name);
    if (facts === null) {
      const advice = 'Move it away; `fleet-health keys import-public FILE` gives a key its name.';
      throw invalidKeys(`${file} is not named like a key (time-id.pem)`, advice);
    }
    const publicKey = readPublicKey(file);
    const id = keyIdOf(publicKey);
    if (id !== facts.id) throw invalidKeys(`${file} holds another key: its id is ${id}`, 'Copy the right file again.');
    return [{ ...facts, file, publicKey }];
  });
}

/**
 * Copies the public key of another machine into public_keys/, unless the key exists there. Its time comes from the file
 * name; without one the key becomes the newest. Throws FleetError `keys-invalid` for anything but a public key.
 */
export function importPublicKey(paths: KeyPaths, file: string, nowMs: number): StoredPublicKey {
  const publicKey = readPublicKey(file);
  const id = keyIdOf(publicKey);
  const known = readPublicKeys(paths);
  const there = known.find((stored) => stored.id === id);
  if (there !== undefined) return there;
  const named = factsOfKeyName(path.basename(file));
  if (named !== null && named.id !== id) {
    throw invalidKeys(`${file} holds another key: its id is ${id}`, 'Copy the right file again.');
  }
  return writeKey(paths, publicKey, named?.createdAtMs ?? newestTime(known, nowMs));
}

/** Adds a public key as the newest one, unless it exists. Throws FleetError `keys-invalid`. */
export function addPublicKey(paths: KeyPaths, publicKey: Uint8Array, nowMs: number): void {
  const known = readPublicKeys(paths);
  if (known.some(({ id }) => id === keyIdOf(publicKey))) return;
  writeKey(paths, publicKey, newestTime(known, nowMs));
}

function newestTime(known: readonly StoredPublicKey[], nowMs: number): number {
  return Math.floor(Math.max(nowMs, (known.at(-1)?.createdAtMs ?? 0) + 1000) / 1000) * 1000;
}

function writeKey(paths: KeyPaths, publicKey: Uint8Array, createdAtMs: number): StoredPublicKey {
  const id = keyIdOf(publicKey);
  const target = path.join(paths.publicKeys, keyName(id, createdAtMs));
  try {
    writePublicKey(target, publicKey);
  } catch (thrown) {
    throw invalidKeys(messageOf(thrown), 'Check the owner and mode of the state folder.', thrown);
  }
  return { id, createdAtMs, file: target, publicKey };
}

function readPublicKey(file: string): Uint8Array {
  try {
    const facts = statSync(file);
    if (!facts.isFile()) throw new Error('it is no regular file');
    if (facts.size > maxFileBytes) throw new Error('it is too large for a key');
    const text = readFileSync(file, 'utf8');
    if (text.includes('PRIVATE KEY')) throw new Error('it holds a private key, which stays where it was made');
    return publicKeyFromPem(text);
  } catch (thrown) {
    const advice = 'Copy the file of the same name in public_keys/ of the machine that opens.';
    throw invalidKeys(`${file} cannot be used: ${fileFault(thrown)}`, advice, thrown);
  }
}
