import assert from 'node:assert/strict';
import test from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';

import fc from 'fast-check';

import { generateKeyPair, privateKeysOf } from '../../../src/report/seal/key-pair.ts';
import { openReport } from '../../../src/report/seal/open.ts';
import { sealCompressed, sealReport } from '../../../src/report/seal/seal.ts';
import {
  encodeHeader,
  maxPlaintextBytes,
  maxSealedBytes,
  readHeader,
} from '../../../src/report/seal/sealed-message.ts';
import type { SealedMessage } from '../../../src/report/seal/sealed-message.ts';
import { SealFault, type SealFaultCode } from '../../../src/report/seal/seal-fault.ts';
import { bytesFrom, pairOfRaw } from './support/raw-keys.ts';
import { codePoint } from '../../support/code-points.ts';

const pair = pairOfRaw(bytesFrom(1));
const keys = privateKeysOf([pair]);
const name = { publicKey: pair.publicKey, reportId: '0f1e2d3c-4b5a-4968-8776-655443322110', client: 'web-1' };
const small = sealReport({ ...name, plaintext: Buffer.from('{}') });

function codeOf(bytes: Uint8Array, live = keys): SealFaultCode {
  try {
    openReport(bytes, live);
  } catch (thrown) {
    assert.ok(thrown instanceof SealFault, `not a SealFault: ${String(thrown)}`);
    return thrown.code;
  }
  return assert.fail('it was opened');
}

/** Seals arbitrary bytes, as if they were compressed. */
const sealedAround = (compressed: Uint8Array): Buffer => sealCompressed(name, compressed, pairOfRaw(bytesFrom(33)));

test('cut off at any byte, it is refused as corrupt', () => {
  for (let length = 0; length < small.length; length++) assert.equal(codeOf(small.subarray(0, length)), 'seal-corrupt');
});

test('the header alone is not read from a message that cannot be whole', () => {
  const least = small.length - readHeader(small).ciphertext.length + 16;
  for (let length = 0; length < least; length++) assert.throws(() => readHeader(small.subarray(0, length)), SealFault);
  assert.equal(readHeader(small.subarray(0, least)).client, 'web-1');
  for (const [length, message] of [
    [3, 'not a sealed report'],
    [4, 'the sealed report ends inside its header'],
    [29, 'the sealed report ends inside its header'],
    [30, 'the sealed report is cut off'],
    [least - 1, 'the sealed report is cut off'],
  ] as const) {
    assert.throws(() => readHeader(small.subarray(0, length)), { code: 'seal-corrupt', message });
  }
});

test('with any single bit flipped, it is refused', () => {
  for (let bit = 0; bit < small.length * 8; bit++) {
    const flipped = Buffer.from(small);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const inKeyId = bit >= 4 * 8 && bit < 12 * 8;
    assert.equal(codeOf(flipped), inKeyId ? 'seal-no-key' : 'seal-corrupt', `bit ${bit}`);
  }
});

test('a flipped key id that is another live key does not open it either', () => {
  const other = generateKeyPair();
  const moved = Buffer.concat([small.subarray(0, 4), Buffer.from(other.id, 'hex'), small.subarray(12)]);
  assert.equal(codeOf(moved, privateKeysOf([pair, other])), 'seal-corrupt');
  // The right key under the wrong id does not open the message either.
  assert.equal(codeOf(moved, new Map([[other.id, pair]])), 'seal-corrupt');
});

test('with bytes behind it, before it or inserted, it is refused', () => {
  assert.equal(codeOf(Buffer.concat([small, Buffer.of(0)])), 'seal-corrupt');
  assert.equal(codeOf(Buffer.concat([small, small])), 'seal-corrupt');
  assert.equal(codeOf(Buffer.concat([Buffer.of(10), small])), 'seal-corrupt');
  for (let at = 0; at <= small.length; at++) {
    const longer = Buffer.concat([small.subarray(0, at), Buffer.of(0), small.subarray(at)]);
    assert.notEqual(codeOf(longer), 'report-too-large', `at ${at}`);
  }
});

test('parts of two messages of one client do not go together', () => {
  const other = sealReport({ ...name, plaintext: Buffer.from('[]') });
  const { headerBytes, enc } = readHeader(small);
  const { ciphertext } = readHeader(other);
  assert.equal(codeOf(Buffer.concat([headerBytes, enc, ciphertext])), 'seal-corrupt');
});

test('sealed to a key that is not live', () => {
  assert.equal(codeOf(small, privateKeysOf([generateKeyPair()])), 'seal-no-key');
  const message = `sealed to key ${pair.id}, which is not live here`;
  assert.throws(() => openReport(small, new Map()), { code: 'seal-no-key', keyId: pair.id, message });
  assert.throws(() => openReport(small.subarray(1), keys), { code: 'seal-corrupt', keyId: null });
});

test('bytes behind the compressed report are refused', () => {
  const compressed = deflateRawSync(Buffer.from('{}'));
  assert.equal(openReport(sealedAround(compressed), keys).plaintext.toString(), '{}');
  for (const extra of [Buffer.of(0), Buffer.alloc(100_000), compressed]) {
    const sealed = sealedAround(Buffer.concat([compressed, extra]));
    const message = `${extra.length} bytes follow the compressed report`;
    assert.throws(() => openReport(sealed, keys), { code: 'seal-corrupt', message });
  }
});

test('what is no whole deflate stream is refused', () => {
  const compressed = deflateRawSync(Buffer.from('{"client":"web-1"}'));
  for (let length = 0; length < compressed.length; length++) {
    assert.equal(codeOf(sealedAround(compressed.subarray(0, length))), 'seal-corrupt', `${length} bytes`);
  }
  // Block type 3 does not exist in deflate.
  assert.equal(codeOf(sealedAround(Buffer.of(0x07, 0, 0))), 'seal-corrupt');
});

test('decompression stops at 1 MiB, and takes that much', () => {
  const zeros = (length: number): Buffer => sealedAround(deflateRawSync(Buffer.alloc(length), { level: 9 }));
  assert.equal(openReport(zeros(maxPlaintextBytes), keys).plaintext.length, maxPlaintextBytes);
  assert.equal(codeOf(zeros(maxPlaintextBytes + 1)), 'report-too-large');

  // 256 MiB: a stream that ends with a full flush can be followed by others.
  const mebibyte = deflateRawSync(Buffer.alloc(1024 * 1024), { level: 9, finishFlush: constants.Z_FULL_FLUSH });
  const bomb = sealedAround(Buffer.concat(Array<Buffer>(256).fill(mebibyte)));
  assert.ok(bomb.length < maxSealedBytes);
  const before = process.resourceUsage().maxRSS;
  assert.equal(codeOf(bomb), 'report-too-large');
  const grownKiB = process.resourceUsage().maxRSS - before;
  assert.ok(grownKiB < 64 * 1024, `memory grew by ${grownKiB} KiB`);
});

test('a message larger than any report can be is not even decrypted', () => {
  const larger = Buffer.alloc(maxSealedBytes + 1);
  small.copy(larger);
  assert.equal(codeOf(larger), 'report-too-large');
  assert.equal(codeOf(larger.subarray(0, maxSealedBytes)), 'seal-corrupt');
});

const whole = ({ headerBytes, enc, ciphertext }: SealedMessage): Buffer =>
  Buffer.concat([headerBytes, enc, ciphertext]);

test('what parses encodes to the same bytes again', () => {
  const byteAt = fc.tuple(fc.nat(small.length - 1), fc.integer({ min: 0, max: 255 }));
  let parsed = 0;
  fc.assert(
    fc.property(fc.array(byteAt, { maxLength: 6 }), fc.uint8Array({ maxLength: 20 }), (changes, tail) => {
      const bytes = Buffer.concat([small, tail]);
      for (const [at, byte] of changes) bytes[at] = byte;
      let message: SealedMessage;
      try {
        message = readHeader(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof SealFault);
        return;
      }
      parsed++;
      assert.deepEqual(encodeHeader(message), Buffer.from(message.headerBytes));
      assert.deepEqual(whole(message), bytes);
    }),
    { numRuns: 3000 },
  );
  assert.ok(parsed > 300, `only ${parsed} of the samples parsed`);
});

test('what is encoded parses to the same header', () => {
  const client = fc.string({ unit: codePoint, minLength: 1, maxLength: 32 }).filter((text) => !text.includes('\0'));
  const keyId = fc.stringMatching(/^[0-9a-f]{16}$/);
  fc.assert(
    fc.property(keyId, fc.uuid(), client, (id, reportId, text) => {
      const header = { keyId: id, reportId, client: text };
      const { headerBytes, enc, ciphertext, ...read } = readHeader(
        Buffer.concat([encodeHeader(header), Buffer.alloc(48)]),
      );
      assert.deepEqual(read, header);
      assert.deepEqual(
        { headerBytes: headerBytes.length, enc: enc.length, ciphertext: ciphertext.length },
        { headerBytes: 30 + Buffer.byteLength(text), enc: 32, ciphertext: 16 },
      );
    }),
  );
});

test('names that are not UTF-8 of 1 to 128 bytes are refused before any key is looked for', () => {
  const named = (bytes: Uint8Array, length = bytes.length): Buffer =>
    Buffer.concat([small.subarray(0, 28), Buffer.of(length >> 8, length & 0xff), bytes, Buffer.alloc(100)]);
  const invalid: readonly (readonly [what: string, bytes: Buffer])[] = [
    ['empty', named(Buffer.alloc(0))],
    ['129 bytes', named(Buffer.alloc(129, 'x'))],
    ['65,535 bytes', named(Buffer.alloc(65_535, 'x'))],
    ['longer than the message', named(Buffer.from('web-1'), 128)],
    ['U+0000', named(Buffer.from('web\0'))],
    ['a byte that never occurs', named(Buffer.of(0x77, 0xff))],
    ['a lone continuation', named(Buffer.of(0x77, 0x80))],
    ['cut inside a character', named(Buffer.of(0x77, 0xc3))],
    ['overlong slash', named(Buffer.of(0xc0, 0xaf))],
    ['overlong U+0000', named(Buffer.of(0xc0, 0x80))],
    ['a surrogate', named(Buffer.of(0xed, 0xa0, 0x80))],
    ['beyond Unicode', named(Buffer.of(0xf4, 0x90, 0x80, 0x80))],
  ];
  for (const [what, bytes] of invalid) assert.equal(codeOf(bytes, new Map()), 'seal-corrupt', what);
  assert.equal(codeOf(named(Buffer.from('\ufeffweb')), new Map()), 'seal-no-key');
  assert.equal(readHeader(named(Buffer.from('\ufeffweb'))).client, '\ufeffweb');
});

test('no message says what is in a report or a key', () => {
  const compressed = Buffer.concat([deflateRawSync(Buffer.from('hush')), Buffer.of(1)]);
  for (const bytes of [sealedAround(compressed), small.subarray(0, 60), Buffer.concat([small, small])]) {
    assert.throws(
      () => openReport(bytes, keys),
      (thrown) =>
        thrown instanceof SealFault && /^[ -~]{10,100}$/.test(thrown.message) && !thrown.message.includes('hush'),
    );
  }
});
