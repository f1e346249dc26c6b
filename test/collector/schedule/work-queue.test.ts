import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import fc from 'fast-check';

import { runWorkQueue, type Limit, type WorkQueueOptions } from '../../../src/collector/schedule/work-queue.ts';

interface Observed {
  readonly order: number[];
  most: number;
  readonly maxOf: Map<string, number>;
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, item) => item);
const ascending = (one: number, other: number): number => one - other;
const unlimited = { limitsOf: () => [], isSlow: () => false, signal: new AbortController().signal };

/**
 * Runs the items 0 to count-1, each for a few turns of the event loop, and counts the items that run at the same time.
 */
async function watch(
  count: number,
  concurrency: number,
  limitsOf: (item: number) => readonly Limit[] = () => [],
  stopAfter = Infinity,
): Promise<Observed & { readonly notBegun: readonly number[] }> {
  const observed: Observed = { order: [], most: 0, maxOf: new Map() };
  const active = new Map<string, number>();
  const controller = new AbortController();
  const notBegun = await runWorkQueue({
    ...{ items: upTo(count), concurrency, limitsOf, isSlow: () => false, signal: controller.signal },
    work: async (item) => {
      observed.order.push(item);
      const keys = ['all', ...limitsOf(item).map(({ key }) => key)];
      for (const key of keys) {
        active.set(key, (active.get(key) ?? 0) + 1);
        observed.maxOf.set(key, Math.max(observed.maxOf.get(key) ?? 0, active.get(key) ?? 0));
      }
      if (observed.order.length === stopAfter) controller.abort();
      for (let turn = 0; turn <= item % 3; turn++) await setImmediate();
      for (const key of keys) active.set(key, (active.get(key) ?? 0) - 1);
    },
  });
  observed.most = observed.maxOf.get('all') ?? 0;
  return { ...observed, notBegun };
}

test('everything is done once, in order, as many at a time as allowed', async () => {
  const { order, most, notBegun } = await watch(100, 7);
  assert.deepEqual(order, upTo(100));
  assert.equal(most, 7);
  assert.deepEqual(notBegun, []);
});

test('nothing to do ends at once', async () => {
  assert.deepEqual((await watch(0, 4)).notBegun, []);
});

test('what shares something stays within its limit and holds up nobody else', async () => {
  const limitsOf = (item: number): readonly Limit[] => (item < 50 ? [{ key: 'rack', most: 2 }] : []);
  const { order, maxOf } = await watch(100, 10, limitsOf);
  assert.equal(order.length, 100);
  assert.equal(maxOf.get('rack'), 2);
  assert.ok(order.slice(0, 20).filter((item) => item >= 50).length >= 8, 'the others must not wait behind the rack');
});

test('things that share two limits are all done', async () => {
  const limitsOf = (item: number): readonly Limit[] => [
    { key: `a${item % 3}`, most: 1 },
    { key: `b${item % 2}`, most: 2 },
  ];
  const { order, maxOf } = await watch(200, 20, limitsOf);
  assert.deepEqual(order.toSorted(ascending), upTo(200));
  for (const [key, most] of maxOf) assert.ok(key === 'all' || most <= (key.startsWith('a') ? 1 : 2), key);
});

test('once aborted nothing is begun, and what was not begun is reported', async () => {
  const limitsOf = (item: number): readonly Limit[] => (item < 20 ? [{ key: 'rack', most: 1 }] : []);
  const { order, notBegun } = await watch(100, 5, limitsOf, 12);
  assert.equal(order.length, 12);
  assert.deepEqual([...order, ...notBegun].toSorted(ascending), upTo(100));
});

test('work that rejects is the fault of the whole', async () => {
  const work = (item: number): Promise<void> => (item === 3 ? Promise.reject(new Error('three')) : Promise.resolve());
  await assert.rejects(runWorkQueue({ ...unlimited, items: [1, 2, 3, 4], concurrency: 2, work }), /three/);
});

/** Starts a work queue whose items end when the test ends them. */
function steered(
  items: readonly number[],
  concurrency: number,
  { limitsOf = () => [], isSlow = () => false }: Partial<Pick<WorkQueueOptions<number>, 'limitsOf' | 'isSlow'>>,
) {
  const begun: number[] = [];
  const open = new Map<number, { readonly leave: () => void; readonly end: () => void }>();
  const work = (item: number, leave: () => void): Promise<void> =>
    new Promise((resolve) => {
      begun.push(item);
      open.set(item, { leave, end: resolve });
    });
  const result = runWorkQueue({ ...unlimited, items, concurrency, limitsOf, isSlow, work });
  const end = async (...ended: readonly number[]): Promise<void> => {
    for (const item of ended) {
      open.get(item)?.end();
      open.delete(item);
    }
    await setImmediate();
  };
  const leave = async (item: number): Promise<void> => {
    open.get(item)?.leave();
    await setImmediate();
  };
  return { begun, open, result, end, leave };
}

test('what is left early is free for others, once, while the work goes on', async () => {
  const limitsOf = (): readonly Limit[] => [{ key: 'rack', most: 2 }];
  const { begun, open, result, end, leave } = steered([1, 2, 3, 4, 5], 4, { limitsOf });
  assert.deepEqual(begun, [1, 2]);
  await leave(1);
  await leave(1);
  assert.deepEqual(begun, [1, 2, 3], 'left twice is left once');
  await end(1);
  assert.deepEqual(begun, [1, 2, 3], 'what was left is not free a second time at the end');
  await end(2);
  assert.deepEqual(begun, [1, 2, 3, 4]);
  await leave(3);
  assert.deepEqual(begun, [1, 2, 3, 4, 5]);
  await end(...open.keys());
  assert.deepEqual(await result, []);
});

test('the slow get a quarter of the places while others wait, from the start, and all places afterwards', async () => {
  const isSlow = (item: number): boolean => item >= 20;
  const { begun, open, result, end } = steered(upTo(40), 8, { isSlow });
  const slow = (): number => [...open.keys()].filter(isSlow).length;
  assert.equal(slow(), 2);
  assert.equal([...open.keys()].length, 8);
  for (let turn = 0; turn < 14; turn++) {
    assert.equal(slow(), 2, 'those that hang keep nobody else from their turn');
    await end(...[...open.keys()].filter((item) => !isSlow(item)).slice(0, 1));
  }
  assert.equal(begun.filter((item) => !isSlow(item)).length, 20, 'none of the others waits any more');
  await end(...[...open.keys()].filter((item) => !isSlow(item)));
  assert.equal(slow(), 8);
  while (open.size > 0) await end(...open.keys());
  assert.deepEqual(await result, []);
  assert.equal(begun.length, 40);
});

test('with fewer than four places the slow come last', async () => {
  const { begun, open, result, end } = steered([1, 2, 3, 4, 5, 6], 1, { isSlow: (item) => item % 2 === 1 });
  while (open.size > 0) await end(...open.keys());
  assert.deepEqual(await result, []);
  assert.deepEqual(begun, [2, 4, 6, 1, 3, 5]);
});

test('what turns slow before its turn leaves the way to the others, also from behind a limit', async () => {
  const turned = new Set<number>();
  const keyOf = (item: number) => (turned.has(item) ? 'slow rack' : 'rack');
  const limitsOf = (item: number) => (item > 10 ? [] : [{ key: keyOf(item), most: 1 }]);
  const isSlow = (item: number) => turned.has(item);
  const items = [1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 16];
  const { begun, open, result, end } = steered(items, 4, { limitsOf, isSlow });
  assert.deepEqual(begun, [1, 11, 12, 13]);
  for (const item of [2, 3, 4]) turned.add(item);
  await end(1);
  assert.deepEqual(begun.slice(4), [5], 'the one behind them that did not turn takes the rack');
  await end(11);
  assert.deepEqual(begun.slice(5), [2], 'one of the slow ones, in the only place for them');
  await end(12);
  assert.deepEqual(begun.slice(6), [14]);
  while (open.size > 0) await end(...open.keys());
  assert.deepEqual(await result, []);
  assert.equal(begun.length, 11);
});

test('what turns slow when nothing else is left is done all the same', async () => {
  for (const concurrency of [1, 3, 4, 9]) {
    const turned = new Set<number>();
    const { begun, open, result, end } = steered([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], concurrency, {
      isSlow: (item) => turned.has(item),
      limitsOf: () => [{ key: 'all', most: 2 }],
    });
    for (let item = 2; item <= 11; item++) turned.add(item);
    while (open.size > 0) await end(...open.keys());
    assert.deepEqual(await result, [], `concurrency ${concurrency}`);
    assert.equal(begun.length, 11);
  }
});

test('limits that are lowered while they are in use hold from then on, and nobody is forgotten', async () => {
  let most = 6;
  const { open, result, end } = steered(upTo(30), 20, { limitsOf: () => [{ key: 'rack', most }] });
  assert.equal(open.size, 6);
  most = 2;
  await end(0, 1, 2);
  assert.equal(open.size, 3);
  await end(3, 4);
  assert.equal(open.size, 2);
  for (const item of open.keys()) {
    await end(item);
    assert.ok(open.size <= 2);
  }
  assert.deepEqual(await result, []);
});

test('whatever is limited, slow and turns slow: everything is done once, within all limits', async () => {
  const item = fc.record({ keys: fc.subarray(['a', 'b', 'c']), slow: fc.boolean(), turns: fc.boolean() });
  const plan = fc.record({
    items: fc.array(item, { maxLength: 40 }),
    concurrency: fc.integer({ min: 1, max: 12 }),
    most: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ items, concurrency, most }) => {
      const turned = new Set<number>();
      const isSlow = (item: number): boolean => items[item]?.slow === true || turned.has(item);
      const limitsOf = (item: number): readonly Limit[] =>
        (items[item]?.keys ?? []).map((key) => ({ key: isSlow(item) ? `slow ${key}` : key, most }));
      const { begun, open, result, end, leave } = steered([...items.keys()], concurrency, { limitsOf, isSlow });
      let turn = 0;
      while (open.size > 0) {
        assert.ok(open.size <= concurrency);
        const [first = 0] = open.keys();
        if (++turn % 3 === 0) await leave(first);
        items.forEach(({ turns }, item) => turns && turn > 2 && turned.add(item));
        await end(first);
      }
      assert.deepEqual(await result, []);
      assert.deepEqual(begun.toSorted(ascending), [...items.keys()]);
    }),
    { numRuns: 200 },
  );
});

test('few begin in one turn of the event loop, until all places are taken', async () => {
  const items = upTo(30);
  const ends: (() => void)[] = [];
  const work = (): Promise<void> => new Promise((resolve) => void ends.push(resolve));
  const done = runWorkQueue({ ...unlimited, items, concurrency: 20, work });
  const begun = [ends.length];
  while (ends.length < 20) {
    await setImmediate();
    begun.push(ends.length);
  }
  assert.deepEqual(begun, [8, 16, 20]);
  for (let next = 0; next < items.length; next++) {
    while (ends[next] === undefined) await setImmediate();
    ends[next]?.();
  }
  assert.deepEqual(await done, []);
});

test('what ends within its turn does not end the others', async () => {
  const items = upTo(100);
  const order: number[] = [];
  const work = (item: number): Promise<void> => {
    order.push(item);
    return Promise.resolve();
  };
  const notBegun = await runWorkQueue({ ...unlimited, items, concurrency: 200, work });
  assert.deepEqual(order, items);
  assert.deepEqual(notBegun, []);
});

test('a signal between two turns leaves the rest alone', async () => {
  const items = upTo(20);
  const controller = new AbortController();
  const order: number[] = [];
  const work = (item: number): Promise<void> => {
    order.push(item);
    if (order.length === 8) controller.abort();
    return Promise.resolve();
  };
  const { signal } = controller;
  const notBegun = await runWorkQueue({ ...unlimited, items, concurrency: 20, signal, work });
  assert.deepEqual([...order, ...notBegun], items);
  assert.equal(order.length, 8);
});
