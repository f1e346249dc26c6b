/** Host keys with numbers chosen to be expensive: the collector refuses them before any computation. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';

import { dearHostKey } from '../../../src/transport/known-hosts/dear-host-key.ts';
import { sshdMissing, sshKeygen } from '../../support/ssh/sshd.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const string = (text: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text]);
};
const rsa = (exponent: Buffer, modulus: Buffer): Buffer =>
  Buffer.concat([Buffer.from('ssh-rsa'), exponent, modulus].map(string));
/** Returns a positive number of this many bits (RFC 4251, section 5: mpint). */
const number = (bits: number): Buffer => {
  const bytes = randomBytes(Math.ceil(bits / 8));
  const top = (bits - 1) % 8;
  bytes[0] = ((bytes[0] ?? 0) & ((1 << top) - 1)) | (1 << top);
  return top === 7 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
};

test('keys that ssh-keygen makes are used', { skip: sshdMissing() ?? false }, (t) => {
  const dir = tempFolder(t);
  for (const kind of ['ed25519', 'ecdsa', 'rsa']) {
    const { publicKey } = sshKeygen(path.join(dir, kind), '-t', kind);
    assert.equal(dearHostKey(Buffer.from(publicKey.split(' ')[1] ?? '', 'base64')), null, kind);
  }
});

test('RSA keys of up to 8,192 bits with exponents of up to 33 bits are used, and dearer ones are not', () => {
  const usual = number(17);
  for (const bits of [1024, 2048, 3071, 8191, 8192]) assert.equal(dearHostKey(rsa(usual, number(bits))), null);
  assert.equal(dearHostKey(rsa(number(33), number(2048))), null);
  assert.equal(dearHostKey(rsa(usual, number(8193))), 'the host key has 8193 bits; RSA keys may have 8192');
  assert.equal(dearHostKey(rsa(usual, number(16_384))), 'the host key has 16384 bits; RSA keys may have 8192');
  assert.equal(dearHostKey(rsa(number(34), number(2048))), 'the exponent of the host key has 34 bits');
  assert.equal(dearHostKey(rsa(number(3072), number(3072))), 'the exponent of the host key has 3072 bits');
});

test('zeros before a number are not counted, and a key that ends within a number is refused', () => {
  const { n } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  const modulus = Buffer.concat([Buffer.alloc(2000), Buffer.from(n ?? '', 'base64url')]);
  const whole = rsa(Buffer.of(1, 0, 1), modulus);
  assert.equal(dearHostKey(whole), null);
  assert.equal(dearHostKey(whole.subarray(0, -1)), 'the host key cannot be read');
  assert.equal(dearHostKey(rsa(Buffer.alloc(0), Buffer.alloc(0))), null);
});
