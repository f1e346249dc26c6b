/** The programs that a visit may upload: their digests, and the bytes that go over the wire. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

import { bundleOf, readBundles } from '../../../src/collector/agent/agent-bundles.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const dir = tempFolder();
const fileOf = (name: string): string => {
  const file = path.join(dir, name);
  writeFileSync(file, `the program ${name}\n`.repeat(20));
  return file;
};
const files = ['agent', 'inventory', 'shell'].map(fileOf) as [string, string, string];
const missing = path.join(dir, 'missing');

/** Returns bytes without a pattern, the same ones each time: with others the two levels may pack equally well. */
const shake = (outputLength: number): Buffer => createHash('shake256', { outputLength }).update('bundle').digest();

test('each program is known by the SHA-256 of its content, and only those for node travel packed', () => {
  const bundles = readBundles(...files);
  for (const name of ['agent', 'inventory', 'shell'] as const) {
    const bundle = bundles[name];
    const { content, digest } = bundle;
    const packed = (): Buffer => bundle.packed();
    assert.equal(content.toString(), `the program ${name}\n`.repeat(20));
    assert.equal(digest, createHash('sha256').update(content).digest('hex'));
    const arrived = name === 'shell' ? packed() : brotliDecompressSync(packed());
    assert.deepEqual(arrived, content);
    assert.equal(packed(), packed(), 'packed once for all uploads of a run');
  }
});

test('a package that was not built is a fault of the run that says so, whichever program is missing', () => {
  for (const at of [0, 1, 2]) {
    const paths = files.with(at, missing) as typeof files;
    assert.throws(() => readBundles(...paths), {
      name: 'FleetError',
      code: 'internal',
      stage: 'run',
      message: /^the agent is not there, was the package built\? .*ENOENT.*missing/,
    });
  }
});

test('a program of up to 128 KiB is packed as small as brotli can; a longer one does not delay the run for it', () => {
  const best = (content: Buffer): number => {
    const params = {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    return brotliCompressSync(content, { params }).length;
  };
  const picks = shake(40_000);
  const words = Array.from(shake(256), (byte, at) => `word${at * byte}`);
  const text = Array.from(picks, (pick) => words[pick]).join(' ');
  for (const [lengthBytes, isBest] of [
    [128 * 1024, true],
    [128 * 1024 + 1, false],
  ] as const) {
    const content = Buffer.from(text.slice(0, lengthBytes));
    assert.equal(content.length, lengthBytes);
    const { length } = bundleOf(content).packed();
    assert.equal(length === best(content), isBest, `${lengthBytes} bytes: ${length}, at best ${best(content)}`);
  }
});
