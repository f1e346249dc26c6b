import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cyclesOf, cycleSum } from '../../src/storage/shared-cycles.ts';
import { readShares } from '../../src/storage/read-shares.ts';
import type { RunFact } from '../../src/storage/store/run.ts';

const everyMs = 100;

function run(startedAtMs: number, finishedAtMs: number | null, clients = 2): RunFact {
  const counts = { clients, succeeded: 1, failed: 0, skipped: 0, configDigest: 'a' };
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

const nowMs = 1_000_000;
const shared = { collector: { sharedSite: 'fra', everyMs } } as Parameters<typeof readShares>[0];

/** Returns the parts of a site whose cycle began at `beganAtMs`, with the bounds of what was read. */
async function sharesOf(runs: readonly RunFact[], beganAtMs: number, seenAgoMs: readonly number[] = [0]) {
  const bounds: number[] = [];
  const collectors = seenAgoMs.map((ago, id) => ({ id: `${id}`, host: '', seenAtMs: nowMs - ago, slices: 1 }));
  const site = { site: 'fra', slices: 4, visited: 4, cycle: 1, beganAtMs, collectors };
  const read = <T>(found: T, sinceMs: number): Promise<T> => Promise.resolve((bounds.push(sinceMs), found));
  const own = runs.map((one) => ({ ...one, collectorId: '0', scope: 'full' as const }));
  const storage = {
    shares: { sites: (sinceMs: number) => read([site], sinceMs) },
    fleet: { runs: (program: string, sinceMs: number) => read(program === 'collect' ? own : [], sinceMs) },
  };
  const [found] = await readShares(shared, storage, nowMs);
  return { ...(found ?? assert.fail('no site')), bounds };
}

test('collectors are shown for 2016 runs, are gone after three, and runs are read of twelve', async () => {
  const { bounds, collectors, newest, finished, configs } = await sharesOf([], nowMs, [300, 301]);
  assert.deepEqual(bounds, [nowMs - 2016 * everyMs, nowMs - 12 * everyMs]);
  assert.deepEqual(
    collectors.map(({ isGone }) => isGone),
    [false, true],
  );
  assert.deepEqual([newest, finished, configs], [null, null, 0]);
});

test('the newest cycle is the one whose first run began less than 35 hundredths before it', async () => {
  const startsOf = async (startedAtMs: number) => {
    const { newest, finished, configs } = await sharesOf([run(startedAtMs, startedAtMs + 5)], nowMs);
    assert.equal(configs, 1);
    return [newest?.startedAtMs, finished?.startedAtMs];
  };
  assert.deepEqual(await startsOf(nowMs - 34), [nowMs - 34, nowMs - 34]);
  assert.deepEqual(await startsOf(nowMs - 35), [undefined, nowMs - 35]);
});

test('a fleet that nobody shares, and a storage that is away, read nothing', async () => {
  assert.deepEqual(await readShares(shared, null, nowMs), []);
  const alone = { collector: { ...shared.collector, sharedSite: null } };
  const storage = { shares: { sites: () => assert.fail() }, fleet: { runs: () => assert.fail() } };
  assert.deepEqual(await readShares(alone, storage, nowMs), []);
});
