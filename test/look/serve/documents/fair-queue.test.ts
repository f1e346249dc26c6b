import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FairQueue } from '../../../../src/look/serve/documents/fair-queue.ts';
import { Rates } from '../../../../src/look/serve/rates.ts';

const burst = 1000;

/** Opens a queue whose work ends when the test says so. */
function openQueue({ waitMs = 60_000 } = {}) {
  const costs = new Rates({ burst, perSecond: 0 });
  const begun: string[] = [];
  const ended: string[] = [];
  const finish = new Map<string, (result: string | Promise<string>) => void>();
  const queue = new FairQueue<string, string>({
    work: (request, signal) => {
      begun.push(request);
      signal.addEventListener('abort', () => ended.push(request));
      return new Promise((resolve) => finish.set(request, resolve));
    },
    ...{ costs, waitMs },
    refused: (reason) => reason,
  });
  const ask = (request: string, address: string, gone = new AbortController().signal): Promise<string> =>
    queue.ask({ key: request, request, address }, gone);
  const done = async (request: string): Promise<void> => {
    finish.get(request)?.(`${request} done`);
    await new Promise(setImmediate);
  };
  return {
    costs,
    begun,
    ended,
    ask,
    done,
    fail: (request: string, thrown: Error) => finish.get(request)?.(Promise.reject(thrown)),
  };
}

test('those who ask for the same share it while it is made, and later ones get it anew', async () => {
  const { begun, ask, done } = openQueue();
  const all = ['a', 'b', 'c'].map((address) => ask('page', address));
  await done('page');
  assert.deepEqual([await Promise.all(all), begun], [['page done', 'page done', 'page done'], ['page']]);
  const again = ask('page', 'a');
  await done('page');
  assert.deepEqual([await again, begun], ['page done', ['page', 'page']]);
});

test('one at a time, and next is who has used the least time', async () => {
  const { costs, begun, ask, done } = openQueue();
  costs.charge('10.0.0.1', 500);
  costs.charge('10.0.0.2', 100);
  const all = [ask('x', '10.0.0.1'), ask('y', '10.0.0.1'), ask('z', '10.0.0.2'), ask('w', '10.0.0.3')];
  for (const request of ['x', 'w', 'z', 'y']) {
    assert.equal(begun.at(-1), request);
    await done(request);
  }
  assert.deepEqual(await Promise.all(all), ['x done', 'y done', 'z done', 'w done']);
});

test('the time of work is charged to who asked first, also of work that failed', async () => {
  const { costs, ask, fail } = openQueue();
  const first = ask('page', '10.0.0.1');
  const second = ask('page', '10.0.0.2');
  const until = performance.now() + 20;
  while (performance.now() < until);
  fail('page', new Error('no such table'));
  await assert.rejects(first, /no such table/);
  await assert.rejects(second, /no such table/);
  await new Promise(setImmediate);
  assert.ok(costs.left('10.0.0.1') <= burst - 20);
  assert.equal(costs.left('10.0.0.2'), burst);
});

test('who has used all time up is refused while nobody else waits, and keeps nobody else waiting', async () => {
  const { costs, begun, ask, done } = openQueue();
  costs.charge('10.0.0.1', burst);
  assert.equal(await ask('x', '10.0.0.1'), 'used up');
  const under = ask('w', '10.0.0.3');
  const [late, other] = [ask('x', '10.0.0.1'), ask('y', '10.0.0.2')];
  await done('w');
  await done('y');
  assert.deepEqual([await under, await other, await late], ['w done', 'y done', 'used up']);
  assert.deepEqual(begun, ['w', 'y']);
});

test('work ends with the last of its viewers, and what waits for nobody is not begun', async () => {
  const { begun, ended, ask, done } = openQueue();
  const [one, other, third] = [new AbortController(), new AbortController(), new AbortController()];
  void ask('x', 'a', one.signal);
  void ask('x', 'b', other.signal);
  void ask('y', 'c', third.signal);
  one.abort();
  assert.deepEqual(ended, []);
  third.abort();
  other.abort();
  assert.deepEqual(ended, ['x']);
  // The work has not noticed yet, and its result would be half of one.
  const anew = ask('x', 'd');
  await done('x');
  assert.deepEqual(begun, ['x', 'x']);
  await done('x');
  assert.equal(await anew, 'x done');
});

test('what has not begun in time is refused', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { begun, ask, done } = openQueue({ waitMs: 5_000 });
  const [under, late] = [ask('x', 'a'), ask('y', 'b')];
  t.mock.timers.tick(5_000);
  assert.equal(await late, 'busy');
  await done('x');
  assert.deepEqual([await under, begun], ['x done', ['x']]);
});
