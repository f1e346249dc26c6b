import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';

import type { Client } from '../connection/ssh2.ts';
import { takeGroupExchanges, type GroupKeys } from './private-parts.ts';

/**
 * The bounds of a group that the server chooses for the key exchange (RFC 4419), in bits. ssh2 accepts a group of any
 * size, and Node then runs a primality test, which takes seconds for 4,096 bits. This file checks the group as OpenSSH
 * does, without that test: an exchange takes 25 ms at most.
 */
const minBits = 2048;
const maxBits = 4096;

/** Checks the groups of a client's key exchanges. Call it right after `connect`, before the server's first bytes. */
export function boundGroupExchanges(ssh: Client): void {
  takeGroupExchanges(ssh, { maxBits, check: checkGroup, generate: generateKeys });
}

function checkGroup(prime: Buffer, generator: Buffer): void {
  const fault = groupFault(prime, generator);
  if (fault !== null) throw new Error(`the group of the key exchange ${fault}`);
}

function generateKeys(prime: Buffer, generator: Buffer): { readonly publicKey: Buffer; readonly keys: GroupKeys } {
  const group = { prime, generator: Number(numberOf(generator)) };
  // The declaration of generateKeyPairSync lacks Diffie-Hellman.
  const { publicKey, privateKey } = generateKeyPairSync(
    'dh' as never,
    group as never,
  ) as unknown as KeyPairKeyObjectResult;
  return {
    publicKey: publicNumber(publicKey.export({ type: 'spki', format: 'der' })),
    keys: {
      getPrime: () => prime,
      getGenerator: () => generator,
      computeSecret: (other) => {
        if (!isWithin(other, prime)) throw new Error('the number of the server is outside its group');
        const algorithm = der(0x30, [dhKeyAgreement, der(0x30, [prime, generator].map(integer))]);
        const key = der(0x30, [algorithm, der(0x03, [Buffer.of(0), integer(other)])]);
        return diffieHellman({ privateKey, publicKey: createPublicKey({ key, type: 'spki', format: 'der' }) });
      },
    },
  };
}

/**
 * Returns the fault of a group, as the end of a sentence; null if it has none. The generators of OpenSSH's groups are 2
 * and 5.
 */
export function groupFault(prime: Buffer, generator: Buffer): string | null {
  const bits = numberOf(prime).toString(2).length;
  if (bits < minBits || bits > maxBits) return `has ${bits} bits, not ${minBits} to ${maxBits}`;
  if (((prime.at(-1) ?? 0) & 1) === 0) return 'is even';
  if (stripped(generator).length > 3 || numberOf(generator) < 2n) return 'has an unusual generator';
  return null;
}

/** True if a number lies between 2 and prime - 2: any other leads to a secret that anybody can compute. */
export function isWithin(other: Buffer, prime: Buffer): boolean {
  if (stripped(other).length > stripped(prime).length) return false;
  const number = numberOf(other);
  return number >= 2n && number <= numberOf(prime) - 2n;
}

function numberOf(bytes: Buffer): bigint {
  return BigInt(`0x0${bytes.toString('hex')}`);
}

function stripped(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  return start === -1 ? Buffer.alloc(0) : bytes.subarray(start);
}

/** The object identifier 1.2.840.113549.1.3.1 of PKCS #3, in DER. */
const dhKeyAgreement = Buffer.from('06092a864886f70d010301', 'hex');

/** Encodes an element of DER with a length of four bytes, which OpenSSL accepts for any element. */
function der(tag: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.of(tag, 0x84, 0, 0, 0, 0);
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, body]);
}

function integer(bytes: Buffer): Buffer {
  const number = stripped(bytes);
  return der(0x02, (number[0] ?? 0) & 0x80 ? [Buffer.of(0), number] : [number]);
}

/** Returns the number of a public key: it follows the group, in a bit string without unused bits. */
function publicNumber(spki: Buffer): Buffer {
  const group = contentAt(spki, contentAt(spki, 0).start);
  const { start, end } = contentAt(spki, contentAt(spki, group.end).start + 1);
  return spki.subarray(start, end);
}

/** Returns the offsets of the content of the DER element at `at`. */
function contentAt(data: Buffer, at: number): { readonly start: number; readonly end: number } {
  const first = data.readUInt8(at + 1);
  const more = first < 0x80 ? 0 : first - 0x80;
  const start = at + 2 + more;
  return { start, end: start + (more === 0 ? first : data.readUIntBE(at + 2, more)) };
}
