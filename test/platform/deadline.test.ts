import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { startDeadline, startTimedSignal, unlessAborted, withDeadline } from '../../src/platform/deadline.ts';

const never = (): Promise<never> => new Promise(() => undefined);
const late = (): Error => new Error('late');

test('the result of the work, its error, the error of the deadline, and the reason of the signal', async () => {
  assert.equal(await withDeadline({ timeoutMs: 5000, late }, () => Promise.resolve(1)), 1);
  await assert.rejects(
    withDeadline({ timeoutMs: 5000, late }, () => Promise.reject(new Error('broken'))),
    /broken/,
  );
  await assert.rejects(withDeadline({ timeoutMs: 1, late }, never), /late/);
  const signal = AbortSignal.abort(new Error('interrupted'));
  await assert.rejects(withDeadline({ timeoutMs: 5000, signal, late }, never), /interrupted/);
  const aborted = (reason: unknown): Error => new Error(`ended: ${String(reason)}`);
  await assert.rejects(withDeadline({ signal, aborted }, never), /ended: Error: interrupted/);
});

test('a deadline is started anew for a step, and stops while something with its own deadline runs', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const deadline = startDeadline({ timeoutMs: 40, late });
  let state = 'waiting';
  deadline.over.catch((thrown: unknown) => (state = String(thrown)));
  const after = async (passedMs: number): Promise<string> => {
    t.mock.timers.tick(passedMs);
    await new Promise(setImmediate);
    return state;
  };
  assert.equal(await after(39), 'waiting');
  deadline.restart(5000);
  assert.equal(await after(4999), 'waiting');
  deadline.pause();
  assert.equal(await after(5000), 'waiting');
  deadline.restart(1);
  assert.equal(await after(1), 'Error: late');
  deadline.end();
});

test('work that fails after the abort is no unhandled rejection', async () => {
  const stop = new AbortController();
  let fail: (why: Error) => void = () => undefined;
  const work = new Promise<never>((_resolve, reject) => (fail = reject));
  const waiting = unlessAborted(work, stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  fail(new Error('nobody waits for this'));
  await sleep(1);
  assert.equal(await unlessAborted(Promise.resolve('done'), new AbortController().signal), 'done');
});

test('the time of a signal stands still while it is paused, and its parent still ends it', async () => {
  const parent = new AbortController();
  const clock = startTimedSignal({ timeoutMs: 20, late, parent: parent.signal });
  clock.pause();
  clock.pause();
  await sleep(40);
  assert.equal(clock.signal.aborted, false);
  clock.resume();
  clock.resume();
  await once(clock.signal, 'abort');
  assert.equal(String(clock.signal.reason), 'Error: late');
  const ended = startTimedSignal({ timeoutMs: 1, late, parent: parent.signal });
  ended.end();
  ended.resume();
  await sleep(5);
  assert.equal(ended.signal.aborted, false);
  const paused = startTimedSignal({ timeoutMs: 1, late, parent: parent.signal });
  paused.pause();
  parent.abort(new Error('interrupted'));
  assert.equal(String(paused.signal.reason), 'Error: interrupted');
  paused.end();
});
