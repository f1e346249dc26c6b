/** The order in which a bastion is asked for names, and what becomes of them while it resolves one. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { NameQueue } from '../../../src/transport/bastions/name-queue.ts';

/** Starts a queue whose server answers pings as it is told, with what becomes of each name. */
function start(t: TestContext, { mayMove = true } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const pings: (() => void)[] = [];
  const said: string[] = [];
  const queue = new NameQueue({ ping: (answered) => pings.push(answered), mayMove: () => mayMove });
  const ask = (...names: readonly string[]): (() => void)[] =>
    names.map((name) =>
      queue.ask({ name, send: () => said.push(`asked ${name}`), moveOn: () => said.push(`moved ${name}`) }),
    );
  /** Returns what was said since the last call. */
  const news = (): string => said.splice(0).join(', ');
  return { queue, ask, news, answer: () => pings.shift()?.(), pass: (ms: number) => t.mock.timers.tick(ms) };
}

test('a bastion is asked for one name at a time, the next when it goes on', (t) => {
  const { ask, news, answer } = start(t);
  ask('a', 'b', 'c');
  assert.equal(news(), '', 'it may not know pings');
  answer();
  assert.equal(news(), 'asked a');
  answer();
  assert.equal(news(), 'asked b');
  answer();
  answer();
  assert.equal(news(), 'asked c');
  ask('d');
  assert.equal(news(), 'asked d');
});

test('names move to another login a second after one that does not resolve, which stays', (t) => {
  const { queue, ask, news, answer, pass } = start(t);
  answer();
  ask('dead', 'b', 'c');
  pass(999);
  assert.deepEqual([news(), queue.holder], ['asked dead', null]);
  pass(1);
  assert.deepEqual([news(), queue.holder], ['moved b, moved c', 'dead']);
  ask('d');
  assert.equal(news(), 'moved d');
  answer();
  ask('e');
  assert.deepEqual([news(), queue.holder], ['asked e', null]);
});

test('names wait where no other login can be asked', (t) => {
  const { queue, ask, news, answer, pass } = start(t, { mayMove: false });
  answer();
  ask('dead', 'b');
  pass(30_000);
  ask('c');
  assert.deepEqual([news(), queue.holder], ['asked dead', 'dead']);
  answer();
  assert.deepEqual([news(), queue.holder], ['asked b', null]);
});

test('a name that is resolved within a second holds nothing later', (t) => {
  const { queue, ask, news, answer, pass } = start(t);
  answer();
  ask('slow', 'b');
  pass(999);
  answer();
  pass(999);
  assert.deepEqual([news(), queue.holder], ['asked slow, asked b', null]);
});

test('a name that nobody waits for any more is not asked for', (t) => {
  const { ask, news, answer } = start(t);
  const [, takeBack] = ask('a', 'b', 'c');
  takeBack?.();
  for (let count = 0; count < 3; count += 1) answer();
  assert.equal(news(), 'asked a, asked c');
});

test('a bastion that answers no ping is asked for all names at once, and holds none of them until it does', (t) => {
  const { queue, ask, news, answer, pass } = start(t);
  ask('a', 'b');
  pass(999);
  assert.equal(news(), '');
  pass(1);
  ask('c');
  pass(30_000);
  assert.deepEqual([news(), queue.holder], ['asked a, asked b, asked c', null]);
  answer();
  ask('d', 'e');
  assert.equal(news(), 'asked d');
});
