/** Rows that are only seconds apart: two readings of the same moment do not confirm a value. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { countRow } from '../../../src/alerter/transition/progress.ts';
import type { Progress } from '../../../src/storage/store/alert.ts';

const atMs = 1_763_600_000_000;
const minuteMs = 60_000;

const first: Progress = { holding: 1, holdingSinceMs: atMs, clearing: 0, missing: 0, easing: 0, lastAtMs: atMs };

/**
 * Returns the number of rows that count towards `for`. The rows have these times in seconds. The first row began the
 * alert.
 */
function holdingAfter(seconds: readonly number[], everyMs = 5 * minuteMs): number {
  let progress = first;
  for (const second of seconds.slice(1)) {
    const wanted = { ...progress, holding: progress.holding + 1 };
    progress = { ...progress, ...countRow(progress, wanted, { atMs: atMs + 1000 * second, everyMs }) };
  }
  return progress.holding;
}

for (const { what, seconds, everyMs, count } of [
  { what: 'one second apart', seconds: [0, 1], everyMs: 5 * minuteMs, count: 1 },
  { what: '9.9 s apart', seconds: [0, 9.9], everyMs: 5 * minuteMs, count: 1 },
  { what: '10 s apart', seconds: [0, 10], everyMs: 5 * minuteMs, count: 2 },
  { what: 'of two runs, and a collect by hand after each', seconds: [0, 3, 300, 303], everyMs: 5 * minuteMs, count: 2 },
  {
    what: 'of somebody who collects every five seconds: every second one',
    seconds: [0, 5, 10, 15, 20],
    everyMs: 5 * minuteMs,
    count: 3,
  },
  { what: 'closer than half of every="4s" can be', seconds: [0, 1, 3.9], everyMs: 4000, count: 2 },
  { what: 'of a clock that went back', seconds: [0, -30], everyMs: 5 * minuteMs, count: 2 },
] as const) {
  test(`rows ${what}: ${count} of ${seconds.length} count`, () => {
    assert.equal(holdingAfter(seconds, everyMs), count);
  });
}

test('a row right after another begins the count of what it says, and ends that of the other', () => {
  const progress = first;
  const row = { atMs: atMs + 2000, everyMs: 5 * minuteMs };
  const better = countRow(progress, { holding: 0, clearing: 1, missing: 0, easing: 0 }, row);
  assert.deepEqual([better.holding, better.clearing], [0, 1]);
  // The next row must come ten seconds after this row, not after the row before.
  const again = { ...progress, ...better };
  const wanted = { holding: 0, clearing: 2, missing: 0, easing: 0 };
  assert.equal(countRow(again, wanted, { ...row, atMs: atMs + 11_000 }).clearing, 1);
  assert.equal(countRow(again, wanted, { ...row, atMs: atMs + 12_000 }).clearing, 2);
});
