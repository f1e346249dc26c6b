import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { keepLease } from '../../../src/alerter/deliver/keep-lease.ts';
import { FleetError } from '../../../src/errors.ts';

const lease = { name: 'alerter', epoch: 1, holder: 'one' };

test('a lease is touched again and again until it is let go', async () => {
  let touches = 0;
  let ended = (): void => undefined;
  const thrice = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const touchLease = (): Promise<void> => {
    touches += 1;
    if (touches === 3) ended();
    return Promise.resolve();
  };
  const keeper = keepLease({ touchLease }, lease, 5);
  await thrice;
  keeper.check();
  await keeper.stop();
  const before = touches;
  await sleep(30);
  assert.equal(touches, before);
});

test('one that is lost is told at the next look, and not touched again', async () => {
  let touches = 0;
  const lost = new FleetError({ code: 'locked', stage: 'storage', message: 'taken over' });
  const touchLease = (): Promise<void> => {
    touches += 1;
    return Promise.reject(lost);
  };
  const keeper = keepLease({ touchLease }, lease, 5);
  await sleep(50);
  assert.throws(() => keeper.check(), lost);
  await keeper.stop();
  assert.equal(touches, 1);
});
