import assert from 'node:assert/strict';
import { test } from 'node:test';

import { faultAtDeadline, raceSignal } from '../../../src/collector/visit/visit-deadline.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';

const late = new FleetError({ code: 'visit-deadline', stage: 'run', message: 'the visit took too long' });
const refused = new FleetError({ code: 'auth-failed', stage: 'login', message: 'refused' });
const aborted = AbortSignal.abort(late);

test('a visit that is cut off has the code of its deadline, and the stage that it had come to', () => {
  const facts = (thrown: unknown, signal: AbortSignal): unknown => {
    const { code, stage, client, message, advice } = faultAtDeadline(thrown, signal, 'agent', 'web-1');
    return { code, stage, client, message, advice };
  };
  const common = { client: 'web-1', code: 'visit-deadline', message: late.message, advice: late.advice };
  assert.deepEqual(facts(late, aborted), { ...common, stage: 'agent' });
  assert.deepEqual(facts(refused, aborted), { ...common, stage: 'login' });
  assert.deepEqual(facts(new Error('socket hang up'), aborted), { ...common, stage: 'agent' });
});

test('a fault before the deadline, or beside a signal for another reason, is its own', () => {
  for (const signal of [new AbortController().signal, AbortSignal.abort(new Error('ended by hand'))]) {
    assert.equal(faultAtDeadline(refused, signal, 'agent', 'web-1'), refused);
    const { code, stage, client } = faultAtDeadline(new Error('odd'), signal, 'agent', 'web-1');
    assert.deepEqual([code, stage, client], ['internal', 'agent', 'web-1']);
  }
});

const never = new Promise<never>(() => undefined);

test('work that ends is its own end; work that ignores its signal ends by the reason of the signal', async () => {
  const open = new AbortController();
  assert.equal(await raceSignal(Promise.resolve(7), open.signal), 7);
  await assert.rejects(raceSignal(Promise.reject(refused), open.signal), refused);
  assert.equal(await raceSignal(Promise.resolve(7), aborted), 7);
  await assert.rejects(raceSignal(never, aborted), late);
  const waiting = raceSignal(never, open.signal);
  open.abort(late);
  await assert.rejects(waiting, late);
});
