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

test('the time counts from now, and not from the last report', () => {
  const old = levels(rising(90, 0.5)).map(({ atMs, value }) => ({ atMs: atMs - 10 * minuteMs, value }));
  assert.equal(Math.round((fullSoonMs(old, nowMs) ?? 0) / minuteMs), 30);
  const passed = levels(rising(99, 0.1, 10)).map(({ atMs, value }) => ({ atMs: atMs - 14 * minuteMs, value }));
  assert.equal(fullSoonMs(passed, nowMs), 0, 'its time has passed');
  const full = levels([...rising(99.2, 0.1, 8), 100]);
  assert.equal(fullSoonMs(full, nowMs), null, 'it is full');
});

test('the time is rounded to its size: minutes, fives, tens, and hours from an hour and a half on', () => {
  const times: readonly (readonly [minutes: number, words: string])[] = [
    [0, '1 min'],
    [1.4, '1 min'],
    [5, '5 min'],
    [5.1, '5 min'],
    [7.5, '10 min'],
    [20, '20 min'],
    [24.9, '20 min'],
    [25, '30 min'],
    [89.9, '90 min'],
    [90, '2 hours'],
    [149, '2 hours'],
    [150, '3 hours'],
  ];
  for (const [minutes, words] of times) assert.equal(fullSoonWords(minutes * minuteMs), `full in about ${words}`);
});

test('what is a day away is told, and what is further is not', () => {
  const slope = 0.1;
  const left = (hours: number): number | null => {
    const last = 100 - slope * 12 * hours;
    return fullSoonMs(levels(rising(last - 12 * slope, slope)), nowMs);
  };
  assert.equal(Math.round((left(23.9) ?? 0) / minuteMs), 23.9 * 60);
  assert.equal(left(24.1), null);
});

test('five values of an hour are enough, four are not, and those of three hours count if an hour has too few', () => {
  assert.notEqual(words(rising(90, 0.5, 5)), null);
  assert.equal(words(rising(90, 0.5, 4)), null);
  assert.equal(words(rising(90, 1, 5), 45), 'full in about 5 hours');
  assert.equal(words(rising(90, 1, 5), 46), null);
});
