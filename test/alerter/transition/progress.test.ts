/** Rows that are only seconds apart: two readings of the same moment do not confirm a value. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { stateSample } from '../../../src/alerter/evaluate/sample.ts';
import { countRow, isGap, longestGapMs, networkAfter, worstAfter } from '../../../src/alerter/transition/progress.ts';
import type { Rule } from '../../../src/config/config.ts';
import type { Progress } from '../../../src/storage/store/alert.ts';
import { clientWith } from '../support/config-of.ts';

const atMs = 1_763_600_000_000;
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

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

const rule = clientWith('<alert name="high" type="disk" limit="90%" for="20m"/>').rules.find(
  ({ name }) => name === 'high',
);
assert.ok(rule);
const everyMs = 5 * minuteMs;

test('rows more than two and a half intervals apart are a gap, unless the pause or `for` is longer', () => {
  assert.equal(longestGapMs(everyMs), 12.5 * minuteMs);
  const gapAt = (minutes: number, over: Partial<Rule> = {}, pauseMs = 0): boolean => {
    const sample = { rule: { ...rule, forMs: null, forCount: null, ...over }, pauseMs };
    return isGap({ lastAtMs: atMs }, sample, { atMs: atMs + minutes * minuteMs, everyMs });
  };
  assert.deepEqual([gapAt(12.5), gapAt(12.6)], [false, true]);
  assert.deepEqual([gapAt(90, {}, 90 * minuteMs), gapAt(90.1, {}, 90 * minuteMs)], [false, true]);
  // Half of `for`, and of the time between two rows.
  assert.deepEqual([gapAt(32.5, { forMs: hourMs }), gapAt(32.6, { forMs: hourMs })], [false, true]);
  assert.deepEqual([gapAt(27.5, { forCount: 10 }), gapAt(27.6, { forCount: 10 })], [false, true]);
});

const over = (value: number, level: 'warning' | 'critical' = 'warning') =>
  ({ ...stateSample(rule, '/', level, `${value} %`), value, limitText: 'at least 90 %' }) as const;
/** Returns the value of the worst row after samples, in their order. */
const worstOf = (samples: readonly Parameters<typeof worstAfter>[1][]): number | null | undefined =>
  samples.reduce<ReturnType<typeof worstAfter>>(({ worst }, sample) => worstAfter(worst, sample, { atMs }), {}).worst
    ?.value;

test('the worst row is the most severe, then the farthest beyond its limit', () => {
  assert.equal(worstOf([over(91), over(95), over(93)]), 95);
  assert.equal(worstOf([over(99), over(95, 'critical')]), 95);
  assert.equal(worstOf([over(95, 'critical'), over(99)]), 95);
  const below = (value: number) => ({ ...over(value), rule: { ...rule, op: 'lt' as const } });
  assert.equal(worstOf([below(5), below(3), below(4)]), 3);
  const above = (value: number) => ({ ...over(value), rule: { ...rule, op: 'gt' as const } });
  assert.equal(worstOf([above(91), above(95), above(93)]), 95);
  const equal = (op: 'eq' | 'ne', value: number) => ({ ...over(value), rule: { ...rule, op } });
  for (const op of ['eq', 'ne'] as const) assert.equal(worstOf([equal(op, 5), equal(op, 7)]), 7);
  const between = (value: number) => ({ ...over(value), rule: { ...rule, min: 1 } });
  assert.equal(worstOf([between(99), between(0)]), 0);
  const text = { ...over(95), value: null };
  assert.equal(worstOf([over(99), text]), null);
  assert.equal(worstOf([stateSample(rule, '/', 'none', 'well')]), undefined);
  assert.equal(worstOf([over(95), stateSample(rule, '/', 'none', 'well')]), 95);
});

test('the text of the worst row has three hundred characters at most', () => {
  const text = (length: number): string | undefined =>
    worstAfter(undefined, { ...over(95), valueText: '😀'.repeat(length) }, { atMs }).worst?.valueText;
  assert.equal(text(300), '😀'.repeat(300));
  assert.equal(text(301), '😀'.repeat(300));
});

test('the cause of an unreachable client is that of its newest failed visit, beside that of the first', () => {
  const failed = { ...over(1), isNetwork: true, code: 'dns' };
  const row = { runId: 'run-1' };
  assert.deepEqual(networkAfter({}, over(1), row), {});
  const first = { isNetwork: true, code: 'dns', begunBy: 'dns', lastRun: 'run-1' };
  assert.deepEqual(networkAfter({}, failed, row), first);
  const next = { ...failed, isNetwork: false, code: 'auth-failed' };
  assert.deepEqual(networkAfter(first, next, { runId: 'run-2' }), {
    ...{ isNetwork: false, code: 'auth-failed', begunBy: 'dns', lastRun: 'run-2' },
  });
  assert.deepEqual(networkAfter(first, over(1), { runId: 'run-3' }), { ...first, lastRun: 'run-3' });
});

test('a visit and its report are one row, and add to no count', () => {
  const before = { ...first, holding: 1, lastRun: 'run-1' };
  const wanted = { holding: 2, clearing: 0, missing: 0, easing: 0 };
  const row = { atMs: atMs + everyMs, everyMs };
  assert.equal(countRow(before, wanted, { ...row, runId: 'run-1' }).holding, 1);
  assert.equal(countRow(before, wanted, { ...row, runId: 'run-2' }).holding, 2);
});
