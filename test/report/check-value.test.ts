import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { boundedTime } from '../../src/report/check-value.ts';
import { sqlTime } from '../../src/storage/sql/sql-time.ts';

test('every number becomes a time that every time column holds', () => {
  fc.assert(fc.property(fc.oneof(fc.double(), fc.maxSafeInteger()), (value) => sqlTime(boundedTime(value)) !== ''));
});

for (const [value, time] of [
  [9e15, '3000-01-01T00:00:00.000Z'],
  [Infinity, '3000-01-01T00:00:00.000Z'],
  [-9e15, '1000-01-01T00:00:00.000Z'],
  [Number.NaN, '1000-01-01T00:00:00.000Z'],
  [1.6, '1970-01-01T00:00:00.002Z'],
] as const) {
  test(`the time ${value} becomes ${time}`, () => {
    assert.equal(new Date(boundedTime(value)).toISOString(), time);
  });
}

test('a value that is no number is no time', () => {
  for (const value of [null, undefined, '2026-11-20', true, [1], {}, 1n]) assert.equal(boundedTime(value), null);
});
