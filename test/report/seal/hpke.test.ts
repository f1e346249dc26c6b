import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import {
  decap,
  encap,
  generateEphemeral,
  kemSuiteId,
  keySchedule,
  labeledExpand,
  labeledExtract,
  suiteOf,
} from '../../../src/report/seal/hpke.ts';
import { fromHex, lowOrderPoints, pairOfRaw } from './support/raw-keys.ts';

const vector: ReadonlyMap<string, Buffer> = new Map(
  readFileSync(new URL('../../testdata/seal/rfc9180-a1.1/vector.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', hex = ''] = line.split(': ');
      return [name, fromHex(hex)];
    }),
);

function value(name: string): Buffer {
  const bytes = vector.get(name);
  assert.ok(bytes !== undefined && bytes.length > 0, `the vector has no ${name}`);
  return bytes;
}

/** Implements DeriveKeyPair of RFC 9180, section 7.1.3, which only the vector needs. */
function derivePrivateKey(ikm: Uint8Array): Buffer {
  const prk = labeledExtract(kemSuiteId, new Uint8Array(0), 'dkp_prk', ikm);
  return labeledExpand(kemSuiteId, prk, 'sk', new Uint8Array(0), 32);
}

const sender = pairOfRaw(value('skEm'));
const recipient = pairOfRaw(value('skRm'));
const suite = suiteOf({ id: 0x0001, cipher: 'aes-128-gcm', keyBytes: 16 }, value('info').toString('ascii'));

test('RFC 9180 A.1.1: the labeled functions derive both private keys', () => {
  assert.deepEqual(derivePrivateKey(value('ikmE')), value('skEm'));
  assert.deepEqual(derivePrivateKey(value('ikmR')), value('skRm'));
  assert.deepEqual(sender.publicKey, value('pkEm'));
  assert.deepEqual(recipient.publicKey, value('pkRm'));
});

test('RFC 9180 A.1.1: both sides of the KEM come to its shared secret', () => {
  assert.deepEqual(encap(recipient.publicKey, sender), value('shared_secret'));
  assert.deepEqual(decap(value('enc'), recipient), value('shared_secret'));
});

test('RFC 9180 A.1.1: the key schedule gives its context, key and nonce', () => {
  assert.deepEqual(suite.context, value('key_schedule_context'));
  const secret = labeledExtract(suite.suiteId, value('shared_secret'), 'secret', new Uint8Array(0));
  assert.deepEqual(secret, value('secret'));
  assert.deepEqual(labeledExpand(suite.suiteId, secret, 'exp', suite.context, 32), value('exporter_secret'));
  const { key, nonce } = keySchedule(suite, value('shared_secret'));
  assert.deepEqual(key, value('key'));
  assert.deepEqual(nonce, value('base_nonce'));
});

test('RFC 9180 A.1.1: the first encryption', () => {
  const { key, nonce } = keySchedule(suite, decap(value('enc'), recipient));
  const cipher = createCipheriv(suite.aead.cipher, key, nonce).setAAD(value('aad'));
  const ciphertext = Buffer.concat([cipher.update(value('pt')), cipher.final(), cipher.getAuthTag()]);
  assert.deepEqual(ciphertext, value('ct'));
});

test('ephemeral keys are fresh, whole, and fit each other', () => {
  const pairs = Array.from({ length: 20 }, generateEphemeral);
  assert.equal(new Set(pairs.map(({ publicKey }) => Buffer.from(publicKey).toString('hex'))).size, pairs.length);
  for (const pair of pairs) {
    assert.equal(pair.publicKey.length, 32);
    assert.deepEqual(encap(recipient.publicKey, pair), decap(pair.publicKey, recipient));
  }
});

test('points of low order are refused on both sides', () => {
  assert.equal(lowOrderPoints.length, 14);
  for (const point of lowOrderPoints) {
    assert.throws(() => encap(point, sender), point.toString('hex'));
    assert.throws(() => decap(point, recipient), point.toString('hex'));
  }
});

test('public keys that have not 32 bytes are refused on both sides', () => {
  for (const length of [0, 31, 33, 64]) {
    assert.throws(() => encap(Buffer.alloc(length, 9), sender), RangeError);
    assert.throws(() => decap(Buffer.alloc(length, 9), recipient), RangeError);
  }
});

test('one block is the most that is expanded', () => {
  assert.equal(labeledExpand(kemSuiteId, Buffer.alloc(32), 'x', Buffer.alloc(0), 32).length, 32);
  assert.throws(() => labeledExpand(kemSuiteId, Buffer.alloc(32), 'x', Buffer.alloc(0), 33), RangeError);
});
