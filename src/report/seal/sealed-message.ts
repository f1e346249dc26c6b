import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';

import { publicKeyBytes, suiteOf, aes256Gcm, tagBytes } from './hpke.ts';
import { SealFault } from './seal-fault.ts';

/** The most bytes of an opened report. */
export const maxPlaintextBytes = 1024 * 1024;
export const maxClientNameBytes = 128;

const magic = Buffer.from('FHS1', 'ascii');
const keyIdBytes = 8;
const reportIdBytes = 16;
const keyIdAt = magic.length;
const reportIdAt = keyIdAt + keyIdBytes;
const lengthAt = reportIdAt + reportIdBytes;
const nameAt = lengthAt + 2;

/** The most bytes of a compressed report. Deflate adds far less than 1 KiB to incompressible bytes. */
const maxCompressedBytes = maxPlaintextBytes + 1024;
export const maxSealedBytes = nameAt + maxClientNameBytes + publicKeyBytes + maxCompressedBytes + tagBytes;
/** The fewest bytes of a sealed report: a smaller file is none. */
export const minSealedBytes = nameAt + 1 + publicKeyBytes + tagBytes;

/** The suite: AES-256-GCM and the `info` of FORMAT.md. */
export const reportSuite = suiteOf(aes256Gcm, 'fleet-health report v1');

export interface SealedHeader {
  /** The id of the key: the first 8 bytes of the SHA-256 of its public half, as 16 hexadecimal digits. */
  readonly keyId: string;
  /** The report id: a UUID in lower case. */
  readonly reportId: string;
  readonly client: string;
}

/** A sealed report in its parts. No part is authenticated before the report is opened. */
export interface SealedMessage extends SealedHeader {
  /** Every byte before `enc`, which is authenticated together with the ciphertext. */
  readonly headerBytes: Uint8Array;
  /** The ephemeral X25519 public key. */
  readonly enc: Uint8Array;
  /** The ciphertext with the tag at its end. */
  readonly ciphertext: Uint8Array;
}

/** Returns the id of a raw X25519 public key: 16 hexadecimal digits. */
export function keyIdOf(publicKey: Uint8Array): string {
  return createHash('sha256')
    .update(publicKey)
    .digest('hex')
    .slice(0, keyIdBytes * 2);
}

/**
 * Encodes the header. Throws RangeError for an invalid id, or if the client's name is not 1 to 128 bytes of UTF-8
 * without U+0000.
 */
export function encodeHeader({ keyId, reportId, client }: SealedHeader): Buffer {
  const name = Buffer.from(client);
  if (!/^[0-9a-f]{16}$/.test(keyId)) throw new RangeError('a key id has 16 hexadecimal digits');
  if (!uuidPattern.test(reportId)) throw new RangeError('a report id is a UUID in lower case');
  const fault = nameFault(name);
  // A lone surrogate becomes U+FFFD in UTF-8, and two names would have one encoding.
  if (fault !== null || name.toString() !== client) throw new RangeError(fault ?? 'the client name is no Unicode text');
  return Buffer.concat([
    magic,
    Buffer.from(keyId, 'hex'),
    Buffer.from(reportId.replaceAll('-', ''), 'hex'),
    Uint8Array.of(name.length >> 8, name.length & 0xff),
    name,
  ]);
}

/**
 * Parses the header of a sealed report and locates its other parts. Checks the form and opens nothing. Throws SealFault
 * `seal-corrupt` or `report-too-large`.
 */
export function readHeader(bytes: Uint8Array): SealedMessage {
  if (bytes.length > maxSealedBytes) {
    throw new SealFault('report-too-large', `a sealed report of ${bytes.length} bytes, allowed are ${maxSealedBytes}`);
  }
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!message.subarray(0, magic.length).equals(magic)) throw new SealFault('seal-corrupt', 'not a sealed report');
  if (message.length < nameAt) throw new SealFault('seal-corrupt', 'the sealed report ends inside its header');
  const nameEnd = nameAt + message.readUInt16BE(lengthAt);
  const encEnd = nameEnd + publicKeyBytes;
  if (message.length < encEnd + tagBytes) throw new SealFault('seal-corrupt', 'the sealed report is cut off');
  const name = message.subarray(nameAt, nameEnd);
  const fault = nameFault(name);
  if (fault !== null) throw new SealFault('seal-corrupt', fault);
  return {
    keyId: message.toString('hex', keyIdAt, reportIdAt),
    reportId: uuidOf(message.toString('hex', reportIdAt, lengthAt)),
    client: name.toString(),
    headerBytes: message.subarray(0, nameEnd),
    enc: message.subarray(nameEnd, encEnd),
    ciphertext: message.subarray(encEnd),
  };
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Returns the text of a UUID of 32 hexadecimal digits. */
export function uuidOf(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function nameFault(name: Buffer): string | null {
  if (name.length < 1 || name.length > maxClientNameBytes) {
    return `a client name has 1 to ${maxClientNameBytes} bytes, this one ${name.length}`;
  }
  // Searches the text, because Node would have to compile the search for a byte: 0.09 ms of an agent's start.
  return isUtf8(name) && !name.toString().includes('\0') ? null : 'the client name is not UTF-8 without U+0000';
}
