import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cyclesOf, cycleSum } from '../../src/storage/shared-cycles.ts';
import type { RunFact } from '../../src/storage/store/run.ts';

const everyMs = 100;

function run(startedAtMs: number, finishedAtMs: number | null, clients = 2): RunFact {
  const counts = { clients, succeeded: 1, failed: 0, skipped: 0 };
  return { id: `${startedAtMs}`, startedAtMs, finishedAtMs, ...counts } as unknown as RunFact;
}

test('runs of the collectors of a site are cycles in the order of their starts, whatever order they come in', () => {
  const runs = [run(110, null), run(5, 40), run(105, 140), run(0, 30)];
  const cycles = cyclesOf(runs, everyMs).map(({ startedAtMs, isOver, runs: own }) => {
    return { startedAtMs, isOver, runs: own.map((one) => one.startedAtMs) };
  });
  assert.deepEqual(cycles, [
    { startedAtMs: 0, isOver: true, runs: [0, 5] },
    { startedAtMs: 105, isOver: false, runs: [105, 110] },
  ]);
});

test('a cycle of which a run was killed is over once a newer one began', () => {
  const isOver = (...runs: readonly RunFact[]): readonly boolean[] =>
    cyclesOf(runs, everyMs).map((cycle) => cycle.isOver);
  assert.deepEqual(isOver(run(0, null)), [false]);
  assert.deepEqual(isOver(run(0, null), run(100, 140)), [true, true]);
});

test('the sum of a cycle is of the known counts of its runs that have ended', () => {
  const uncounted = { ...run(7, 20), clients: null, succeeded: null, failed: null };
  const [cycle] = cyclesOf([run(0, 40, 3), run(5, 30, 4), run(6, null, 9), uncounted], everyMs);
  const sum = cycle === undefined ? null : cycleSum(cycle);
  assert.deepEqual(sum, { startedAtMs: 0, finishedAtMs: 40, clients: 7, succeeded: 2, failed: 0, skipped: 5 });
});
