import assert from 'node:assert/strict';
import test from 'node:test';
import { deflateRawSync, inflateRawSync } from 'node:zlib';

import fc from 'fast-check';

import { maxClientBytes, maxReportBytes } from '../../../src/report/limits.ts';
import { generateKeyPair, privateKeysOf } from '../../../src/report/seal/key-pair.ts';
import { openReport } from '../../../src/report/seal/open.ts';
import { sealCompressed, sealReport, type SealOptions } from '../../../src/report/seal/seal.ts';
import {
  encodeHeader,
  maxClientNameBytes,
  maxPlaintextBytes,
  maxSealedBytes,
  readHeader,
} from '../../../src/report/seal/sealed-message.ts';
import { SealFault } from '../../../src/report/seal/seal-fault.ts';
import { otherOpen, otherSeal } from './support/other-hpke.ts';
import { bytesFrom, lowOrderPoints, pairOfRaw } from './support/raw-keys.ts';

const pair = pairOfRaw(bytesFrom(1));
const keys = privateKeysOf([generateKeyPair(), pair, generateKeyPair()]);
const reportId = '0f1e2d3c-4b5a-4968-8776-655443322110';
const plaintext = Buffer.from('{"client":"web-1","worker_reports":[]}');
const options: SealOptions = { publicKey: pair.publicKey, reportId, client: 'web-1', plaintext };

test('what is sealed opens to the same, with its header, by the right one of several keys', () => {
  const opened = openReport(sealReport(options), keys);
  assert.deepEqual(opened, { header: { keyId: pair.id, reportId, client: 'web-1' }, plaintext });
});

test('any bytes up to 1 MiB go through', () => {
  const sealedSizes = [0, 1, 65_535, maxPlaintextBytes].map((length) => {
    // Incompressible bytes, so that the largest possible message is tried, too.
    const noise = Buffer.alloc(length);
    for (let at = 0, state = 1; at < length; at++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      noise[at] = state >>> 24;
    }
    const sealed = sealReport({ ...options, client: 'x'.repeat(maxClientNameBytes), plaintext: noise });
    assert.ok(openReport(sealed, keys).plaintext.equals(noise));
    return sealed.length;
  });
  assert.ok(Math.max(...sealedSizes) > maxPlaintextBytes);
  assert.ok(Math.max(...sealedSizes) <= maxSealedBytes);
});

test('limits are those of reports', () => {
  assert.equal(maxPlaintextBytes, maxReportBytes);
  assert.equal(maxClientNameBytes, maxClientBytes);
});

test('the same report is never sealed to the same bytes', () => {
  const sealed = Array.from({ length: 50 }, () => readHeader(sealReport(options)));
  assert.equal(new Set(sealed.map(({ enc }) => Buffer.from(enc).toString('hex'))).size, 50);
  assert.equal(new Set(sealed.map(({ ciphertext }) => Buffer.from(ciphertext).toString('hex'))).size, 50);
});

test('what we seal, an independent implementation opens', async () => {
  const { enc, headerBytes, ciphertext } = readHeader(sealReport(options));
  const compressed = await otherOpen({ privateKey: bytesFrom(1), enc, header: headerBytes, ciphertext });
  assert.deepEqual(inflateRawSync(compressed), plaintext);
});

test('what an independent implementation seals, we open', async () => {
  const header = encodeHeader({ keyId: pair.id, reportId, client: 'wéb-😀' });
  const sealed = await otherSeal({ publicKey: pair.publicKey, header, compressed: deflateRawSync(plaintext) });
  assert.deepEqual(openReport(sealed, keys), { header: { keyId: pair.id, reportId, client: 'wéb-😀' }, plaintext });
});

test('with the same ephemeral key both make the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ maxLength: 100 }),
      fc.uuid(),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 }).filter((name) => !name.includes('\0')),
      async (ephemeral, content, id, client) => {
        fc.pre(Buffer.byteLength(client) <= maxClientNameBytes);
        const compressed = deflateRawSync(content);
        const { publicKey } = pair;
        const header = encodeHeader({ keyId: pair.id, reportId: id, client });
        const ours = sealCompressed({ publicKey, reportId: id, client }, compressed, pairOfRaw(ephemeral));
        assert.deepEqual(ours, await otherSeal({ publicKey, header, compressed, ephemeral }));
        assert.deepEqual(openReport(ours, keys).plaintext, Buffer.from(content));
      },
    ),
    { numRuns: 50 },
  );
});

test('plain Uint8Arrays do as well as Buffers', () => {
  const plain = { publicKey: new Uint8Array(pair.publicKey), plaintext: new Uint8Array(plaintext) };
  const sealed = sealReport({ ...options, ...plain });
  const larger = new Uint8Array(sealed.length + 9);
  larger.set(sealed, 4);
  assert.deepEqual(openReport(larger.subarray(4, 4 + sealed.length), keys).plaintext, plaintext);
});

test('a report over 1 MiB is not sealed', () => {
  assert.throws(
    () => sealReport({ ...options, plaintext: Buffer.alloc(maxPlaintextBytes + 1) }),
    (thrown) => thrown instanceof SealFault && thrown.code === 'report-too-large',
  );
});

const unusable: readonly (readonly [what: string, change: Partial<SealOptions>])[] = [
  ['empty client name', { client: '' }],
  ['client name of 129 bytes', { client: `${'é'.repeat(64)}x` }],
  ['client name of 65,541 bytes, whose length would wrap', { client: 'x'.repeat(65_541) }],
  ['client name with U+0000', { client: 'a\0b' }],
  ['client name with a lone surrogate', { client: 'a\ud800' }],
  ['report id in capitals', { reportId: reportId.toUpperCase() }],
  ['report id without hyphens', { reportId: reportId.replaceAll('-', '') }],
  ['report id with a line break', { reportId: `${reportId}\n` }],
  ['public key of 31 bytes', { publicKey: pair.publicKey.subarray(1) }],
  ['no public key', { publicKey: new Uint8Array(0) }],
];
for (const [what, change] of unusable) {
  test(`not sealed: ${what}`, () => assert.throws(() => sealReport({ ...options, ...change }), RangeError));
}

test('nothing is sealed to a public key of low order', () => {
  for (const publicKey of lowOrderPoints) assert.throws(() => sealReport({ ...options, publicKey }));
});
