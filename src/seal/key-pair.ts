import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

import { publicKeyBytes } from './hpke.ts';
import { keyIdOf } from './sealed-message.ts';
import { SealFault } from './seal-fault.ts';

/** A key pair that reports are sealed to. */
export interface KeyPair {
  /** 16 hexadecimal digits; see `keyIdOf`. */
  readonly id: string;
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
}

export function generateKeyPair(): KeyPair {
  // Not as JWK, and not exported afterwards: that can hang for ever on Node 20.
  const { privateKey } = generateKeyPairSync('x25519', {
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return privateKeyFromPem(privateKey);
}

/** PKCS#8 PEM (RFC 8410), not encrypted. For a file of mode 0600, and for nothing else. */
export function privateKeyToPem({ privateKey }: KeyPair): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The pair of a PKCS#8 PEM. Throws SealFault `seal-no-key` when it is no X25519 key. */
export function privateKeyFromPem(pem: string): KeyPair {
  const privateKey = importKey(() => createPrivateKey({ key: pem, format: 'pem' }), 'private');
  const publicKey = rawOf(createPublicKey(privateKey));
  return { id: keyIdOf(publicKey), publicKey, privateKey };
}

/** SubjectPublicKeyInfo PEM (RFC 8410) of a raw public key: for people to look at. */
export function publicKeyToPem(publicKey: Uint8Array): string {
  if (publicKey.length !== publicKeyBytes) throw new RangeError(`an X25519 public key has ${publicKeyBytes} bytes`);
  const der = Buffer.concat([spkiPrefix, publicKey]).toString('base64');
  return `-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`;
}

/** The raw public key of a SubjectPublicKeyInfo PEM. Throws SealFault `seal-no-key` when it is no X25519 key. */
export function publicKeyFromPem(pem: string): Uint8Array {
  // Node would take a private key too, and derive the public one.
  if (!pem.startsWith('-----BEGIN PUBLIC KEY-----')) throw new SealFault('seal-no-key', 'not a public key in PEM');
  return rawOf(importKey(() => createPublicKey({ key: pem, format: 'pem' }), 'public'));
}

/** For `openReport`. */
export function privateKeysOf(pairs: readonly KeyPair[]): ReadonlyMap<string, KeyPair> {
  return new Map(pairs.map((pair) => [pair.id, pair]));
}

/** SEQUENCE { SEQUENCE { OID 1.3.101.110 }, BIT STRING of 32 bytes }, as RFC 8410 has it. */
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
