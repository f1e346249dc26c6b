import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import {
  describeAge,
  describeDuration,
  durationInWords,
  formatDuration,
  parseDuration,
} from '../../src/text/durations.ts';

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

const durations: readonly (readonly [number, string])[] = [
  [0, 'less than a minute'],
  [59_999, 'less than a minute'],
  [60_000, '1 minute'],
  [59 * 60_000 + 59_999, '59 minutes'],
  [3_600_000, '1 hour'],
  [3_660_000, '1 hour 1 minute'],
  [7_500_000, '2 hours 5 minutes'],
  [86_400_000, '1 day'],
  [86_400_000 + 59 * 60_000, '1 day'],
  [3 * 86_400_000 + 2 * 3_600_000, '3 days 2 hours'],
];

for (const [ms, words] of durations) {
  test(`duration: ${ms} ms`, () => {
    assert.equal(durationInWords(ms), words);
  });
}

test('short durations have the two largest units, ages the largest', () => {
  const table = [
    { ms: 0, duration: '0s', age: '0s' },
    { ms: 340, duration: '0.3s', age: '0s' },
    { ms: 9_960, duration: '10s', age: '10s' },
    { ms: 42_400, duration: '42s', age: '42s' },
    { ms: 7_140_000, duration: '1h 59m', age: '2h' },
    { ms: 200_000, duration: '3m 20s', age: '3m' },
    { ms: 86_400_000, duration: '1d', age: '1d' },
    { ms: 93_784_000, duration: '1d 2h', age: '1d' },
  ];
  for (const { ms, duration, age } of table) {
    assert.equal(describeDuration(ms), duration);
    assert.equal(describeAge(ms), age);
  }
  assert.equal(describeDuration(-200_000), '-3m 20s');
  assert.equal(describeDuration(1_234, 3), '1.234s');
  assert.equal(describeAge(-1), '0s');
  assert.equal(describeAge(null), '-');
});
