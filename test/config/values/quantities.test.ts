import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import {
  formatDuration,
  formatSize,
  parseDuration,
  parseNumber,
  parsePercent,
  parseSeconds,
  parseSize,
  parseSpan,
} from '../../../src/config/values/quantities.ts';

test('durations: one or more units, the largest first, and nothing else', () => {
  const table: readonly (readonly [string, number | null])[] = [
    ['90s', 90_000],
    ['5m', 300_000],
    ['4h', 14_400_000],
    ['30d', 2_592_000_000],
    ['1y', 31_536_000_000],
    ['100y', 3_153_600_000_000],
    ['1y30d', 34_128_000_000],
    ['1h30m', 5_400_000],
    ['1d2h3m4s', 93_784_000],
    ['0s', 0],
    ['', null],
    ['5', null],
    ['5 m', null],
    ['5min', null],
    ['1.5h', null],
    ['-5m', null],
    ['30m1h', null],
    ['5m5m', null],
    ['1w', null],
    ['5M', null],
    ['36500d', 3_153_600_000_000],
    ['36501d', null],
    ['101y', null],
    ['1d1y', null],
    ['99999999999s', null],
  ];
  for (const [text, ms] of table) assert.equal(parseDuration(text), ms, text);
});

test('a duration of whole seconds survives being written and read', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_000_000_000 }), (seconds) => {
      assert.equal(parseDuration(formatDuration(seconds * 1000)), seconds * 1000);
    }),
  );
});

test('spans are a time or a count', () => {
  assert.deepEqual(parseSpan('2x'), { ms: null, count: 2 });
  assert.deepEqual(parseSpan('15m'), { ms: 900_000, count: null });
  for (const text of ['0x', '1001x', 'x', '2 x', '2', '']) assert.equal(parseSpan(text), null, text);
});

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

test('percents, seconds and numbers', () => {
  assert.equal(parsePercent('85%'), 85);
  assert.equal(parsePercent('85 %'), 85);
  assert.equal(parsePercent('99.5'), 99.5);
  for (const text of ['101%', '-1%', '%', '5m', '']) assert.equal(parsePercent(text), null, text);
  assert.equal(parseSeconds('900'), 900);
  assert.equal(parseSeconds('15m'), 900);
  assert.equal(parseSeconds('0.5'), 0.5);
  for (const text of ['-5', '15min', '85%', '']) assert.equal(parseSeconds(text), null, text);
  assert.equal(parseNumber('-12.5'), -12.5);
  for (const text of ['1e3', '0x10', 'NaN', 'Infinity', '1,5', '']) assert.equal(parseNumber(text), null, text);
});
