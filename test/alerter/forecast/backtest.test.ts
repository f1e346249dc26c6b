import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backtest, type BacktestCounts } from '../../../src/alerter/forecast/backtest.ts';
import type { MountLevels } from '../../../src/storage/store/level-store.ts';
import { madeFleet, madeMount } from './support/made-levels.ts';

const signal = new AbortController().signal;

const counts = (mount: MountLevels, days = 60, withinDays = 30): Promise<BacktestCounts> =>
  backtest(madeFleet(mount), { days, withinDays, signal });

/** Makes levels of 95 days, of which the last 60 are replayed. */
const made = (used: (day: number) => number): MountLevels => madeMount(used, 95);
const nothing: BacktestCounts = { spoke: 0, right: 0, wrong: 0, late: 0, open: 0, missed: 0 };

test('steady growth is foreseen from 30 days before on, and right each day', async () => {
  // 10 a day; full at 950 on day -20, cleaned on day -15, flat since then. The forecast covers 30 days from day -45 on.
  const mount = made((day) => (day > -16 ? 300 : Math.min(999, 950 + 10 * (day + 20))));
  const { spoke, ...others } = await counts(mount);
  assert.equal(spoke, 25);
  assert.deepEqual(others, { right: 25, wrong: 0, late: 0, open: 0, missed: 0 });
});

test('growth that stops was foreseen wrongly until it is seen that it stopped', async () => {
  // 30 days are left on day -55; the newest weeks show the end from day -34 on.
  const mount = made((day) => 850 + 10 * Math.min(0, day + 40));
  assert.deepEqual(await counts(mount), { ...nothing, spoke: 21, wrong: 21 });
});

test('what is not over yet is open', async () => {
  const { spoke, open, right, wrong } = await counts(made((day) => 800 + 10 * day));
  assert.deepEqual([spoke, open, right, wrong], [10, 10, 0, 0]);
});

test('growth that turns steep was foreseen too late', async () => {
  // By the slope 30 days are left until day -20, but the disk is full by day -16.
  const mount = made((day) => Math.min(999, day < -20 ? 700 + 10 * (day + 20) : 700 + 80 * (day + 20)));
  assert.deepEqual(await counts(mount), { ...nothing, spoke: 4, late: 4 });
});

// Day -40 alone has a forecast: full in 20 days. The disk is then emptied, and reaches a level after this many days,
// for one day.
const turnouts: readonly {
  readonly verdict: 'right' | 'wrong' | 'late';
  readonly days: number;
  readonly level: number;
}[] = [
  { verdict: 'late', days: 9, level: 990 },
  { verdict: 'wrong', days: 9, level: 989 },
  { verdict: 'right', days: 10, level: 990 },
  { verdict: 'wrong', days: 10, level: 949 },
  { verdict: 'right', days: 10, level: 950 },
  { verdict: 'right', days: 32, level: 950 },
  { verdict: 'wrong', days: 32, level: 949 },
  { verdict: 'wrong', days: 33, level: 950 },
];
for (const { verdict, days, level } of turnouts) {
  test(`20 days were said, and ${level} of 1000 were full after ${days}: ${verdict}`, async () => {
    const mount = made((day) => (day <= -40 ? 800 + 10 * (day + 40) : day === days - 40 ? level : 100));
    const missed = level >= 950 ? 1 : 0;
    assert.deepEqual(await counts(mount, 60, 20), { ...nothing, spoke: 1, [verdict]: 1, missed });
  });
}

test('a step to full is missed, once; what was full from the beginning on is not', async () => {
  assert.deepEqual(await counts(made((day) => (day > -20 ? 990 : 100))), { ...nothing, missed: 1 });
  assert.deepEqual(await counts(made(() => 990)), nothing);
});

test('nothing that is known is nothing that is said', async () => {
  assert.deepEqual(await counts(made(() => Number.NaN)), nothing);
  assert.deepEqual(await backtest(madeFleet(), { days: 60, withinDays: 30, signal }), nothing);
});

test('inodes are replayed like space', async () => {
  const inodes = (day: number): number => (day > -16 ? 30 : Math.min(99.9, 95 + (day + 20)));
  const { right, spoke } = await counts(madeMount(() => 100, 95, { inodes }));
  assert.deepEqual([right, spoke], [25, 25]);
});

test('a signal ends it', async () => {
  const aborted = AbortSignal.abort(new Error('enough'));
  await assert.rejects(backtest(madeFleet(made(() => 1)), { days: 60, withinDays: 30, signal: aborted }), /enough/);
});
