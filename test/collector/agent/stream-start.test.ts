import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';

import { readStart } from '../../../src/collector/agent/stream-start.ts';

for (const { what, pieces, kept } of [
  { what: 'nothing', pieces: [], kept: '' },
  { what: 'less than is kept', pieces: ['abc'], kept: 'abc' },
  { what: 'as much as is kept', pieces: ['abc', 'd'], kept: 'abcd' },
  { what: 'a piece over the limit', pieces: ['abc', 'def', 'ghi'], kept: 'abcd' },
  { what: 'pieces behind the limit', pieces: ['abcd', 'e'], kept: 'abcd' },
]) {
  test(`the beginning of a stream, which is read to its end: ${what}`, async () => {
    const stream = new PassThrough();
    const lengths: number[] = [];
    const start = readStart(stream, 4, (lengthBytes) => lengths.push(lengthBytes));
    for (const piece of pieces) {
      stream.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    stream.end();
    await start.ended;
    assert.equal(start.text().toString(), kept);
    assert.equal(lengths.at(-1) ?? 0, pieces.join('').length);
    assert.equal(lengths.length, pieces.length);
  });
}

test('a stream that breaks has ended, and is no fault of its own', async () => {
  const stream = new PassThrough();
  const start = readStart(stream, 10);
  stream.write('abc');
  await new Promise((resolve) => setImmediate(resolve));
  stream.destroy(new Error('reset'));
  await start.ended;
  assert.equal(start.text().toString(), 'abc');
});
