import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fullSoonMs, fullSoonWords } from '../../../src/alerter/forecast/full-soon.ts';

const nowMs = Date.UTC(2026, 10, 20, 10, 0);
const minuteMs = 60_000;

/** Returns levels with equal times between them, the last of them now. */
function levels(values: readonly (number | null)[], everyMinutes = 5) {
  return values.map((value, index) => ({ atMs: nowMs - (values.length - 1 - index) * everyMinutes * minuteMs, value }));
}

function words(values: readonly (number | null)[], everyMinutes = 5): string | null {
  const leftMs = fullSoonMs(levels(values, everyMinutes), nowMs);
  return leftMs === null ? null : fullSoonWords(leftMs);
}

const rising = (from: number, by: number, count = 13): readonly number[] =>
  Array.from({ length: count }, (_, index) => from + index * by);

test('a level that rises in a plain line is told with the time until it is full', () => {
  assert.equal(words(rising(90, 0.5)), 'full in about 40 min');
  assert.equal(words(rising(50, 0.5)), 'full in about 7 hours');
  assert.equal(words(rising(90, 0.8)), 'full in about 3 min');
  assert.equal(words([90, 90.6, null, 91.4, 92.1, 92.5, 93]), 'full in about 70 min');
  assert.equal(words(rising(90, 1, 9), 30), 'full in about 60 min', 'reports every half hour');
});

test('a level that has stopped, falls, jumps, is unknown or rises slowly says nothing', () => {
  assert.equal(words([...rising(60, 3), ...rising(96, 0)]), null);
  assert.equal(words([...rising(60, 3), 95, 94, 93, 92, 91, 90, 89, 88, 87, 86, 85, 84, 83]), null);
  assert.equal(words([50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 96, 96]), null);
  assert.equal(words([90, 95, 91, 96, 90, 95, 91, 96, 92, 95, 91, 96, 92]), null);
  assert.equal(words(rising(90, 0.01)), null);
  assert.equal(words(rising(100, 0)), null);
  assert.equal(words([96]), null);
  assert.equal(words([]), null);
  assert.equal(fullSoonMs([...levels(rising(90, 0.5)), { atMs: nowMs + minuteMs, value: 1 }], nowMs) !== null, true);
});
