import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import test from 'node:test';

import {
  generateKeyPair,
  privateKeyFromPem,
  privateKeysOf,
  privateKeyToPem,
  publicKeyFromPem,
  publicKeyToPem,
} from '../../../src/report/seal/key-pair.ts';
import { SealFault } from '../../../src/report/seal/seal-fault.ts';
import { bytesFrom, pairOfRaw } from './support/raw-keys.ts';

const noKey = (thrown: unknown): boolean => thrown instanceof SealFault && thrown.code === 'seal-no-key';

test('a pair goes through PEM and stays itself', () => {
  for (const pair of [generateKeyPair(), generateKeyPair(), pairOfRaw(bytesFrom(1))]) {
    const pem = privateKeyToPem(pair);
    assert.match(pem, /^-----BEGIN PRIVATE KEY-----\n/);
    const read = privateKeyFromPem(pem);
    assert.equal(read.id, pair.id);
    assert.deepEqual(Buffer.from(read.publicKey), Buffer.from(pair.publicKey));
    assert.equal(privateKeyToPem(read), pem);
    assert.deepEqual(Buffer.from(publicKeyFromPem(publicKeyToPem(pair.publicKey))), Buffer.from(pair.publicKey));
  }
});

test('the public PEM is the one that Node writes', () => {
  const { publicKey } = generateKeyPairSync('x25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  assert.equal(publicKeyToPem(publicKeyFromPem(publicKey)), publicKey);
});

test('the id is the start of the SHA-256 of the public key', () => {
  const { id, publicKey } = generateKeyPair();
  assert.equal(id, createHash('sha256').update(publicKey).digest().subarray(0, 8).toString('hex'));
});

test('every generated pair is another', () => {
  assert.equal(privateKeysOf(Array.from({ length: 20 }, generateKeyPair)).size, 20);
});

test('what is no X25519 key in unencrypted PEM is refused', () => {
  const der = { type: 'pkcs8', format: 'pem' } as const;
  const spki = { type: 'spki', format: 'pem' } as const;
  const ed25519 = generateKeyPairSync('ed25519', { publicKeyEncoding: spki, privateKeyEncoding: der });
  const encrypted = generateKeyPairSync('x25519', {
    publicKeyEncoding: spki,
    privateKeyEncoding: { ...der, cipher: 'aes-256-cbc', passphrase: 'secret' },
  });
  const pem = privateKeyToPem(generateKeyPair());
  const torn = [pem.slice(0, 60), pem.replace(/[A-Za-z0-9]{8}/, '!!')];
  for (const text of ['', 'x', ...torn, ed25519.privateKey, encrypted.privateKey]) {
    assert.throws(() => privateKeyFromPem(text), noKey);
  }
  assert.throws(() => privateKeyFromPem(encrypted.publicKey), noKey);
  for (const text of ['', 'x', ed25519.publicKey, pem]) assert.throws(() => publicKeyFromPem(text), noKey);
  assert.throws(() => publicKeyToPem(bytesFrom(1).subarray(1)), RangeError);
});
