import assert from 'node:assert/strict';
import { test } from 'node:test';

import { counted, describeSize, formatSize, parseSize } from '../../src/text/numbers.ts';

test('sizes are binary, with or without a unit', () => {
  const table: readonly (readonly [string, number | null])[] = [
    ['4096', 4096],
    ['4096B', 4096],
    ['1KiB', 1024],
    ['1.5 GiB', 1_610_612_736],
    ['2TiB', 2_199_023_255_552],
    ['2TB', null],
    ['2G', null],
    ['-1B', null],
    ['1e3', null],
    ['999999999999999TiB', null],
    ['', null],
  ];
  for (const [text, bytes] of table) assert.equal(parseSize(text), bytes, text);
  assert.equal(formatSize(2_199_023_255_552), '2TiB');
  assert.equal(formatSize(1_610_612_736), '1.5GiB');
  assert.equal(formatSize(12), '12B');
});

test('sizes for people have fewer decimals the larger they are', () => {
  assert.equal(describeSize(12), '12 B');
  assert.equal(describeSize(1_347_420), '1.28 MiB');
  assert.equal(describeSize(12_347_420), '11.8 MiB');
  assert.equal(describeSize(12_347_420, 1), '11.78 MiB');
});

test('a noun is counted', () => {
  const words = [0, 1, 2].map((count) => counted(count, 'mail'));
  assert.deepEqual(words, ['0 mails', '1 mail', '2 mails']);
});
