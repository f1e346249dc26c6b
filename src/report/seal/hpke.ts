/** src/report/seal: the sealing of reports, and the authentication of pushes; shared with the agent. */
import { createHmac, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';

/** An AEAD of RFC 9180, section 7.3; its nonces are 12 bytes and its tags 16. */
export interface Aead {
  readonly id: number;
  readonly cipher: 'aes-128-gcm' | 'aes-256-gcm';
  readonly keyBytes: 16 | 32;
}

export const aes256Gcm: Aead = { id: 0x0002, cipher: 'aes-256-gcm', keyBytes: 32 };

export const publicKeyBytes = 32;
export const tagBytes = 16;
const nonceBytes = 12;
const hashBytes = 32;

const empty = ascii('');

/** DHKEM(X25519, HKDF-SHA256). */
const kemId = Uint8Array.of(0x00, 0x20);
/** HKDF-SHA256. */
const kdfId = Uint8Array.of(0x00, 0x01);
export const kemSuiteId: Uint8Array = Buffer.concat([ascii('KEM'), kemId]);

/** The values that all messages of one AEAD and one `info` share, computed once. */
export interface Suite {
  readonly aead: Aead;
  readonly suiteId: Uint8Array;
  /** `key_schedule_context`: mode, hash of the empty PSK id, hash of `info`. */
  readonly context: Uint8Array;
}

/** Returns the suite of base mode (RFC 9180, section 5.1) with X25519 and HKDF-SHA256. */
export function suiteOf(aead: Aead, info: string): Suite {
  const suiteId = Buffer.concat([ascii('HPKE'), kemId, kdfId, Uint8Array.of(aead.id >> 8, aead.id & 0xff)]);
  const modeBase = Uint8Array.of(0);
  const pskIdHash = labeledExtract(suiteId, empty, 'psk_id_hash', empty);
  const infoHash = labeledExtract(suiteId, empty, 'info_hash', Buffer.from(info));
  return { aead, suiteId, context: Buffer.concat([modeBase, pskIdHash, infoHash]) };
}

/** Computes LabeledExtract of RFC 9180, section 4. Returns 32 bytes. */
export function labeledExtract(suiteId: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Buffer {
  return createHmac('sha256', salt).update('HPKE-v1').update(suiteId).update(label).update(ikm).digest();
}

/**
 * Computes LabeledExpand of RFC 9180, section 4, for up to 32 bytes, which need only HKDF's first block. Throws
 * RangeError for a greater length.
 */
export function labeledExpand(
  suiteId: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Buffer {
  if (length > hashBytes) throw new RangeError(`cannot expand to ${length} bytes`);
  return createHmac('sha256', prk)
    .update(Uint8Array.of(0, length))
    .update('HPKE-v1')
    .update(suiteId)
    .update(label)
    .update(info)
    .update(Uint8Array.of(1))
    .digest()
    .subarray(0, length);
}

/** Computes KeySchedule of RFC 9180, section 5.1, without the exporter. The nonce is that of the only message. */
export function keySchedule(suite: Suite, sharedSecret: Uint8Array) {
  const { suiteId, context, aead } = suite;
  const secret = labeledExtract(suiteId, sharedSecret, 'secret', empty);
  return {
    key: labeledExpand(suiteId, secret, 'key', context, aead.keyBytes),
    nonce: labeledExpand(suiteId, secret, 'base_nonce', context, nonceBytes),
  };
}

/** A key pair for one message. */
export interface Ephemeral {
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
}

export function generateEphemeral(): Ephemeral {
  // Requests the encoding during the generation: exporting a fresh X25519 key as JWK can hang for ever on Node 20.
  const generate = generateKeyPairSync as unknown as (
    type: 'x25519',
    options: { publicKeyEncoding: { format: 'jwk' } },
  ) => { publicKey: JsonWebKey; privateKey: KeyObject };
  const { publicKey, privateKey } = generate('x25519', { publicKeyEncoding: { format: 'jwk' } });
  return { publicKey: Buffer.from(publicKey.x ?? '', 'base64url'), privateKey };
}

/**
 * Computes Encap of RFC 9180, section 4.1. Returns the shared secret for the owner of a public key, who can compute it
 * from the ephemeral public key (`enc`). Throws if the public key does not have 32 bytes or is of low order.
 */
export function encap(recipient: Uint8Array, ephemeral: Ephemeral): Buffer {
  const dh = exchange(ephemeral.privateKey, recipient);
  return extractAndExpand(dh, ephemeral.publicKey, recipient);
}

/** Computes Decap of RFC 9180, section 4.1. Throws if `enc` does not have 32 bytes or is of low order. */
export function decap(enc: Uint8Array, recipient: Ephemeral): Buffer {
  return extractAndExpand(exchange(recipient.privateKey, enc), enc, recipient.publicKey);
}

function extractAndExpand(dh: Uint8Array, enc: Uint8Array, recipient: Uint8Array): Buffer {
  const prk = labeledExtract(kemSuiteId, empty, 'eae_prk', dh);
  return labeledExpand(kemSuiteId, prk, 'shared_secret', Buffer.concat([enc, recipient]), hashBytes);
}

/** Computes X25519, with the check for the all-zero result that RFC 9180, section 7.1.4, requires. */
function exchange(privateKey: KeyObject, publicRaw: Uint8Array): Buffer {
  if (publicRaw.length !== publicKeyBytes) throw new RangeError(`an X25519 public key has ${publicKeyBytes} bytes`);
  // In JWK, because its import takes 4 microseconds instead of 60 for DER.
  const x = Buffer.from(publicRaw).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
  const dh = diffieHellman({ privateKey, publicKey });
  // OpenSSL also refuses such a key, but this code does not rely on it.
  if (dh.every((byte) => byte === 0)) throw new RangeError('an X25519 public key of low order');
  return dh;
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'ascii');
}
