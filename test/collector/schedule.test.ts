import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { runSchedule } from '../../src/collector/schedule.ts';
import type { Limit } from '../../src/collector/schedule.ts';

interface Observed {
  readonly order: number[];
  most: number;
  readonly mostOf: Map<string, number>;
}

/** Works on 0..count-1, each for a few turns of the event loop, and watches how many go on at the same time. */
async function watch(
  count: number,
  concurrency: number,
  limitsOf: (item: number) => readonly Limit[] = () => [],
  stopAfter = Infinity,
): Promise<Observed & { readonly notBegun: readonly number[] }> {
  const observed: Observed = { order: [], most: 0, mostOf: new Map() };
  const active = new Map<string, number>();
  const controller = new AbortController();
  const notBegun = await runSchedule({
    items: Array.from({ length: count }, (_, item) => item),
    concurrency,
    limitsOf,
    signal: controller.signal,
    work: async (item) => {
      observed.order.push(item);
      const keys = ['all', ...limitsOf(item).map(({ key }) => key)];
      for (const key of keys) {
        active.set(key, (active.get(key) ?? 0) + 1);
        observed.mostOf.set(key, Math.max(observed.mostOf.get(key) ?? 0, active.get(key) ?? 0));
      }
      if (observed.order.length === stopAfter) controller.abort();
      for (let turn = 0; turn <= item % 3; turn++) await setImmediate();
      for (const key of keys) active.set(key, (active.get(key) ?? 0) - 1);
    },
  });
  observed.most = observed.mostOf.get('all') ?? 0;
  return { ...observed, notBegun };
}

test('everything is done once, in order, as many at a time as allowed', async () => {
  const { order, most, notBegun } = await watch(100, 7);
  assert.deepEqual(
    order,
    Array.from({ length: 100 }, (_, item) => item),
  );
  assert.equal(most, 7);
  assert.deepEqual(notBegun, []);
});

test('nothing to do ends at once', async () => {
  assert.deepEqual((await watch(0, 4)).notBegun, []);
});

test('what shares something stays within its limit and holds up nobody else', async () => {
  const limitsOf = (item: number): readonly Limit[] => (item < 50 ? [{ key: 'rack', most: 2 }] : []);
  const { order, mostOf } = await watch(100, 10, limitsOf);
  assert.equal(order.length, 100);
  assert.equal(mostOf.get('rack'), 2);
  assert.ok(order.slice(0, 20).filter((item) => item >= 50).length >= 8, 'the others must not wait behind the rack');
});

test('things that share two limits are all done', async () => {
  const limitsOf = (item: number): readonly Limit[] => [
    { key: `a${item % 3}`, most: 1 },
    { key: `b${item % 2}`, most: 2 },
  ];
  const { order, mostOf } = await watch(200, 20, limitsOf);
  assert.deepEqual(
    order.toSorted((x, y) => x - y),
    Array.from({ length: 200 }, (_, item) => item),
  );
  for (const [key, most] of mostOf) assert.ok(key === 'all' || most <= (key.startsWith('a') ? 1 : 2), key);
});

test('once aborted nothing is begun, and what was not begun is told', async () => {
  const limitsOf = (item: number): readonly Limit[] => (item < 20 ? [{ key: 'rack', most: 1 }] : []);
  const { order, notBegun } = await watch(100, 5, limitsOf, 12);
  assert.equal(order.length, 12);
  assert.deepEqual(
    [...order, ...notBegun].toSorted((x, y) => x - y),
    Array.from({ length: 100 }, (_, item) => item),
  );
});

test('work that rejects is the fault of the whole', async () => {
  const work = (item: number): Promise<void> => (item === 3 ? Promise.reject(new Error('three')) : Promise.resolve());
  const { signal } = new AbortController();
  await assert.rejects(runSchedule({ items: [1, 2, 3, 4], concurrency: 2, limitsOf: () => [], signal, work }), /three/);
});
