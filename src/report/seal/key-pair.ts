import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

import { publicKeyBytes } from './hpke.ts';
import { keyIdOf } from './sealed-message.ts';
import { SealFault } from './seal-fault.ts';

/** A key pair to which reports are sealed. */
export interface KeyPair {
  /** The key id: 16 hexadecimal digits; see `keyIdOf`. */
  readonly id: string;
  /** The raw public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
}

export function generateKeyPair(): KeyPair {
  // Not as JWK, and not exported afterwards: exporting can hang for ever on Node 20.
  const { privateKey } = generateKeyPairSync('x25519', {
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return privateKeyFromPem(privateKey);
}

/** Encodes a private key as PKCS#8 PEM (RFC 8410), unencrypted: only for a file of mode 0600. */
export function privateKeyToPem({ privateKey }: KeyPair): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Decodes the pair from PKCS#8 PEM. Throws SealFault `seal-no-key` if the text is not an X25519 key. */
export function privateKeyFromPem(pem: string): KeyPair {
  const privateKey = importKey(() => createPrivateKey({ key: pem, format: 'pem' }), 'private');
  const publicKey = rawOf(createPublicKey(privateKey));
  return { id: keyIdOf(publicKey), publicKey, privateKey };
}

/** Encodes a raw public key as SubjectPublicKeyInfo PEM (RFC 8410), for people to read. */
export function publicKeyToPem(publicKey: Uint8Array): string {
  if (publicKey.length !== publicKeyBytes) throw new RangeError(`an X25519 public key has ${publicKeyBytes} bytes`);
  const der = Buffer.concat([spkiPrefix, publicKey]).toString('base64');
  return `-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`;
}

/**
 * Decodes a raw public key from SubjectPublicKeyInfo PEM. Throws SealFault `seal-no-key` if the text is not an X25519
 * key.
 */
export function publicKeyFromPem(pem: string): Uint8Array {
  // Node would accept a private key too, and derive the public key.
  if (!pem.startsWith('-----BEGIN PUBLIC KEY-----')) throw new SealFault('seal-no-key', 'not a public key in PEM');
  return rawOf(importKey(() => createPublicKey({ key: pem, format: 'pem' }), 'public'));
}

/** Returns the pairs by key id, for `openReport`. */
export function privateKeysOf(pairs: readonly KeyPair[]): ReadonlyMap<string, KeyPair> {
  return new Map(pairs.map((pair) => [pair.id, pair]));
}

/** The DER prefix of RFC 8410: SEQUENCE { SEQUENCE { OID 1.3.101.110 }, BIT STRING of 32 bytes }. */
const spkiPrefix = Buffer.from('302a300506032b656e032100', 'hex');

function rawOf(publicKey: KeyObject): Uint8Array {
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(spkiPrefix.length);
}

function importKey(read: () => KeyObject, kind: 'private' | 'public'): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch (thrown) {
    throw new SealFault('seal-no-key', `not a ${kind} key in unencrypted PEM`, thrown);
  }
  if (key.asymmetricKeyType !== 'x25519') {
    throw new SealFault('seal-no-key', `a ${kind} key of type ${key.asymmetricKeyType ?? 'unknown'}, needed is x25519`);
  }
  return key;
}
