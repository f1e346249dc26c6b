import { createPrivateKey, createPublicKey } from 'node:crypto';

import type { KeyPair } from '../../../../src/report/seal/key-pair.ts';
import { keyIdOf } from '../../../../src/report/seal/sealed-message.ts';

const pkcs8Prefix = Buffer.from('302e020100300506032b656e04220420', 'hex');

export const fromHex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex');

/** Returns the pair of a raw X25519 private key. It can serve as an ephemeral pair, too. */
export function pairOfRaw(raw: Uint8Array): KeyPair {
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, raw]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).subarray(-32);
  return { id: keyIdOf(publicKey), publicKey, privateKey };
}

/** Returns 32 ascending bytes: `bytesFrom(1)` is 01 02 03 ... 20. */
export const bytesFrom = (first: number): Buffer => Buffer.from(Array.from({ length: 32 }, (_, at) => first + at));

/**
 * Points of small order on Curve25519 and its twist, and their other encodings with p added where 32 bytes hold it
 * (RFC 7748, section 6.1; https://cr.yp.to/ecdh.html#validate).
 */
export const lowOrderPoints: readonly Buffer[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].flatMap((hex) => {
  const point = fromHex(hex);
  const withHighBit = Buffer.from(point);
  withHighBit[31] = (withHighBit[31] ?? 0) | 0x80;
  return [point, withHighBit];
});
