import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { confirmedNowMs } from '../../../src/storage/sql/prune-guard.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item, noonMs, runEnd, runStart } from '../support/samples.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** Returns runs at this interval, the last one at the end. */
function runs(count: number, everyMs: number, endMs: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => endMs - (count - 1 - index) * everyMs);
}

/** Returns runs that come in threes, five minutes apart, once a day. */
const bursts = (days: number): readonly number[] =>
  runs(days, day, 0).flatMap((at) => [at - 10 * minute, at - 5 * minute, at]);

const before = runs(500, 5 * minute, 0);
const monday = 2 * day + 8 * hour;
const cases: readonly {
  readonly what: string;
  readonly nowMs: number;
  readonly startedAtMs: readonly number[];
  readonly isRight: (confirmedMs: number) => boolean;
}[] = [
  { what: 'no run is stored', nowMs: 7, startedAtMs: [], isRight: (at) => at === 7 },
  { what: 'the first run', nowMs: minute, startedAtMs: [0], isRight: (at) => at === minute },
  { what: 'runs as usual', nowMs: minute, startedAtMs: before, isRight: (at) => at === minute },
  {
    what: 'one came twelve minutes late',
    nowMs: 12 * minute,
    startedAtMs: [...before, 12 * minute],
    isRight: (at) => at === 12 * minute,
  },
  {
    what: 'a leap of ten years, found by its first run',
    nowMs: 10 * year,
    startedAtMs: [...before, 10 * year],
    isRight: (at) => at === hour,
  },
  {
    what: '... an hour later',
    nowMs: 10 * year,
    startedAtMs: [...before, ...runs(13, 5 * minute, 10 * year)],
    isRight: (at) => at === 13 * hour,
  },
  {
    what: '... and back',
    nowMs: minute,
    startedAtMs: [...before, ...runs(13, 5 * minute, 10 * year)],
    isRight: (at) => at === minute,
  },
  { what: 'ten years, of which no run tells yet', nowMs: 10 * year, startedAtMs: before, isRight: (at) => at === hour },
  {
    what: 'ten years, after three runs in all',
    nowMs: 10 * year,
    startedAtMs: [...runs(3, 5 * minute, 0), 10 * year],
    isRight: (at) => at === hour,
  },
  { what: 'ten years, after a single run', nowMs: 10 * year, startedAtMs: [0, 10 * year], isRight: (at) => at <= hour },
  {
    what: 'ten years, seen by ten collectors',
    nowMs: 10 * year,
    startedAtMs: [...before, ...runs(10, 10_000, 10 * year)],
    isRight: (at) => at < 2 * hour,
  },
  { what: 'a weekend without runs', nowMs: 2 * day, startedAtMs: [...before, 2 * day], isRight: (at) => at === hour },
  {
    what: '... and its Monday',
    nowMs: monday,
    startedAtMs: [...before, ...runs(97, 5 * minute, monday)],
    isRight: (at) => at === monday,
  },
  {
    what: 'forty days without runs, four days ago',
    nowMs: 44 * day,
    startedAtMs: runs(1000, 5 * minute, 44 * day),
    isRight: (at) => at === 44 * day,
  },
  { what: 'one run a week', nowMs: 0, startedAtMs: runs(60, 7 * day, 0), isRight: (at) => at === 0 },
  {
    what: 'one run a week, one left out',
    nowMs: 0,
    startedAtMs: runs(60, 7 * day, 0).filter((at) => at !== -7 * day),
    isRight: (at) => at === 0,
  },
  { what: 'three runs within ten minutes, once a day', nowMs: 0, startedAtMs: bursts(400), isRight: (at) => at === 0 },
  {
    what: '... thirty days without runs, thirty days ago',
    nowMs: 30 * day,
    startedAtMs: [...bursts(300).map((at) => at - 30 * day), ...bursts(30).map((at) => at + 30 * day)],
    isRight: (at) => at === 30 * day,
  },
  {
    what: '... and ten years ahead',
    nowMs: 10 * year,
    startedAtMs: [...bursts(300), 10 * year],
    isRight: (at) => at <= 2 * day,
  },
  {
    what: 'three runs in the first ten minutes, then ten years ahead',
    nowMs: 10 * year,
    startedAtMs: [...bursts(1), 10 * year],
    isRight: (at) => at === hour,
  },
  {
    what: 'a clock that was set back: what is ahead says nothing',
    nowMs: 0,
    startedAtMs: runs(500, 5 * minute, year),
    isRight: (at) => at === 0,
  },
];

for (const { what, nowMs, startedAtMs, isRight } of cases) {
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

onEachDatabase('prune under a clock that is wrong', ({ it }) => {
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
