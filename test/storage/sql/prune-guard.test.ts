import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { confirmedNowMs } from '../../../src/storage/sql/prune-guard.ts';
import { onBothDatabases } from '../support/databases.ts';
import { item, noonMs, runEnd, runStart } from '../support/samples.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** Returns runs at this interval, the last one at the end. */
function runs(count: number, everyMs: number, endMs: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => endMs - (count - 1 - index) * everyMs);
}

const before = runs(500, 5 * minute, 0);
const monday = 2 * day + 8 * hour;
const cases: readonly (readonly [
  what: string,
  nowMs: number,
  startedAtMs: readonly number[],
  confirmedMs: (confirmedMs: number) => boolean,
])[] = [
  ['no run is stored', 7, [], (at) => at === 7],
  ['the first run', minute, [0], (at) => at === minute],
  ['runs as usual', minute, before, (at) => at === minute],
  ['one came twelve minutes late', 12 * minute, [...before, 12 * minute], (at) => at === 12 * minute],
  ['a leap of ten years, found by its first run', 10 * year, [...before, 10 * year], (at) => at === hour],
  ['... an hour later', 10 * year, [...before, ...runs(13, 5 * minute, 10 * year)], (at) => at === 13 * hour],
  ['... and back', minute, [...before, ...runs(13, 5 * minute, 10 * year)], (at) => at === minute],
  ['ten years, of which no run tells yet', 10 * year, before, (at) => at === hour],
  ['ten years, after three runs in all', 10 * year, [...runs(3, 5 * minute, 0), 10 * year], (at) => at === hour],
  ['ten years, after a single run', 10 * year, [0, 10 * year], (at) => at <= hour],
  ['ten years, seen by ten collectors', 10 * year, [...before, ...runs(10, 10_000, 10 * year)], (at) => at < 2 * hour],
  ['a weekend without runs', 2 * day, [...before, 2 * day], (at) => at === hour],
  ['... and its Monday', monday, [...before, ...runs(97, 5 * minute, monday)], (at) => at === monday],
  ['forty days without runs, four days ago', 44 * day, runs(1000, 5 * minute, 44 * day), (at) => at === 44 * day],
  ['one run a week', 0, runs(60, 7 * day, 0), (at) => at === 0],
  ['one run a week, one left out', 0, runs(60, 7 * day, 0).filter((at) => at !== -7 * day), (at) => at === 0],
  ['a clock that was set back: what is ahead says nothing', 0, runs(500, 5 * minute, year), (at) => at === 0],
];

for (const [what, nowMs, startedAtMs, isRight] of cases) {
  test(`confirmed: ${what}`, () => {
    const confirmedMs = confirmedNowMs(nowMs, startedAtMs);
    assert.ok(isRight(confirmedMs), `${confirmedMs / hour} h`);
  });
}

test('never later than now nor earlier than the oldest run, and a later now confirms no less', () => {
  const times = fc.array(fc.integer({ min: 0, max: 10 * year }), { maxLength: 50 });
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 10 * year }), fc.nat(), (startedAtMs, nowMs, laterMs) => {
      const confirmedMs = confirmedNowMs(nowMs, startedAtMs);
      assert.ok(confirmedMs <= nowMs);
      const known = startedAtMs.filter((atMs) => atMs <= nowMs);
      assert.ok(confirmedMs >= Math.min(nowMs, ...known));
      const same = confirmedNowMs(nowMs + laterMs, known);
      assert.ok(same >= confirmedMs);
    }),
  );
});

onBothDatabases('prune under a clock that is wrong', ({ it }) => {
  it('ten years ahead: what is young stays', async ({ reports, retention }) => {
    const leaptMs = noonMs + 10 * year;
    for (const start of [...runs(5, 5 * minute, noonMs), leaptMs].map((atMs) => runStart({ startedAtMs: atMs }))) {
      await reports.endRun(start, runEnd(start));
    }
    await reports.ingest([31, 29, 3, 1].map((days) => item({ observedAtMs: noonMs - days * day })));
    const limits = { nowMs: leaptMs, rawMs: 30 * day, detailMs: 2 * day, hourlyMs: null, dailyMs: null };
    const pruned = await retention.prune(limits, new AbortController().signal);
    assert.deepEqual([pruned.stats, pruned.reports], [1, 3]);
  });
});
