/** The samples of a client's reports: which series they belong to, and the rates of counters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Reading } from '../../../src/report/checks/readings.ts';
import { dayMs, hourMs } from '../../../src/platform/units.ts';
import {
  planSamples,
  type ReadReport,
  type SamplePlan,
  type Series,
} from '../../../src/storage/reports/plan-samples.ts';
import { sqlTime } from '../../../src/storage/sql/sql-time.ts';

const nowMs = Date.UTC(2026, 10, 20, 10);
const reading = (value: number, over: Partial<Reading> = {}): Reading =>
  ({ metric: 'jobs', labels: '', unit: '', value, ...over }) as Reading;
const counter = (value: number, over: Partial<Reading> = {}): Reading => reading(value, { unit: 'counter', ...over });
let statId = 0;
const report = (atMs: number, ...readings: readonly Reading[]): ReadReport => ({
  ...{ client: 'web-1', statId: (statId += 1), observedAt: sqlTime(atMs), readings },
});
const stored = (over: Partial<Series> = {}): Series => ({
  ...{ id: 1, metric: 'jobs', labels: '', unit: '' as Series['unit'], lastOn: '2026-11-20', counter: null },
  ...over,
});
const values = ({ samples }: SamplePlan): readonly (readonly [string, number])[] =>
  samples.map(({ series: { unit }, value }) => [unit, value]);

test('a sample belongs to the stored series of its name, or to a new one', () => {
  const known = stored();
  const { samples, changed, dropped, full } = planSamples(
    [known],
    [report(nowMs, reading(1), reading(2, { labels: 'queue=a' }), reading(3, { unit: 'percent' as Reading['unit'] }))],
  );
  assert.deepEqual(
    samples.map(({ series: { id, labels, unit } }) => [id, labels, unit]),
    [
      [1, '', ''],
      [null, 'queue=a', ''],
      [null, '', 'percent'],
    ],
  );
  assert.equal(samples[0]?.series, known);
  assert.deepEqual(
    changed.map(({ id }) => id),
    [null, null],
  );
  assert.deepEqual([dropped, full], [0, false]);
});

test('a second reading of a series in a report is none', () => {
  assert.deepEqual(values(planSamples([], [report(nowMs, reading(1), reading(2))])), [['', 1]]);
});

test('a series changes with the day of its newest sample, and never back', () => {
  const known = stored({ lastOn: '2026-11-20' });
  assert.deepEqual(planSamples([known], [report(nowMs - dayMs, reading(1))]).changed, []);
  assert.equal(known.lastOn, '2026-11-20');
  assert.deepEqual(planSamples([known], [report(nowMs + dayMs, reading(1))]).changed, [known]);
  assert.equal(known.lastOn, '2026-11-21');
});

const rates: readonly (readonly [what: string, beforeMs: number, before: number, now: number, rate: number | null])[] =
  [
    ['grows', 100_000, 5, 25, 0.2],
    ['stays', 100_000, 5, 5, 0],
    ['fell: the program began anew', 100_000, 5, 4, null],
    ['after the shortest time', 10_000, 5, 25, 2],
    ['too soon', 9_999, 5, 25, null],
    ['after the longest time', 24 * hourMs, 0, 86_400, 1],
    ['too late', 24 * hourMs + 1, 0, 86_400, null],
    ['from before: the reading arrived late', -100_000, 5, 25, null],
  ];
for (const [what, beforeMs, before, now, rate] of rates) {
  test(`a counter that ${what}`, () => {
    const known = stored({ unit: 'counter', counter: { atMs: nowMs - beforeMs, value: before } });
    const plan = planSamples([known], [report(nowMs, counter(now))]);
    const ofRate = rate === null ? [] : [['per_second', rate]];
    assert.deepEqual(values(plan), [['counter', now], ...ofRate]);
    const isKept = beforeMs < 10_000;
    assert.deepEqual(known.counter, isKept ? { atMs: nowMs - beforeMs, value: before } : { atMs: nowMs, value: now });
    assert.equal(plan.changed.includes(known), !isKept);
  });
}

test('the first reading of a counter has no rate, and those of a batch follow each other by their times', () => {
  const plan = planSamples([], [report(nowMs + 60_000, counter(130)), report(nowMs, counter(10))]);
  assert.deepEqual(values(plan), [
    ['counter', 10],
    ['counter', 130],
    ['per_second', 2],
  ]);
});

const many = (count: number, from = 0): readonly Reading[] =>
  Array.from({ length: count }, (_, index) => reading(index, { labels: `n=${from + index}` }));

test('200 series have samples in a week: the others are dropped, and counted for the newest report', () => {
  const within = planSamples([], [report(nowMs, ...many(199))]);
  assert.deepEqual([within.samples.length, within.dropped, within.full], [199, 0, false]);
  const whole = planSamples([], [report(nowMs, ...many(200))]);
  assert.deepEqual([whole.samples.length, whole.dropped, whole.full], [200, 0, true]);
  const beyond = planSamples([], [report(nowMs, ...many(203)), report(nowMs + hourMs, ...many(201))]);
  assert.deepEqual([beyond.samples.length, beyond.dropped, beyond.full], [400, 1, true]);
});

test('a series without samples for a week leaves its place to another', () => {
  const silent = (lastOn: string): readonly Series[] =>
    many(200).map(({ labels }, index) => stored({ id: index, labels, lastOn }));
  const ofWeek = planSamples(silent('2026-11-13'), [report(nowMs, ...many(1, 900))]);
  assert.deepEqual([ofWeek.samples.length, ofWeek.dropped], [0, 1]);
  const older = planSamples(silent('2026-11-12'), [report(nowMs, ...many(1, 900))]);
  assert.deepEqual([older.samples.length, older.dropped], [1, 0]);
});

test('a client has 2,000 series at most: a stored one may come back, a new one may not', () => {
  const all = (count: number): readonly Series[] =>
    many(count).map(({ labels }, index) => stored({ id: index, labels, lastOn: '2026-01-01' }));
  const full = planSamples(all(2000), [report(nowMs, ...many(1, 5), ...many(1, 9000))]);
  assert.deepEqual([full.samples.map(({ series: { id } }) => id), full.dropped], [[5], 1]);
  assert.equal(planSamples(all(1999), [report(nowMs, ...many(1, 9000))]).samples.length, 1);
});
