import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runProgram } from '../../../src/collector/runtimes/run-program.ts';
import { assertWithin } from '../../support/within.ts';

test('the deadline ends what a program has left behind, also if a signal ended the program itself', async () => {
  const startedAt = performance.now();
  const { status } = await runProgram({
    program: 'sh',
    args: ['-c', 'sleep 60 & kill -9 $$'],
    timeoutMs: 500,
    signal: AbortSignal.timeout(30_000),
  });
  assert.equal(status, null);
  assertWithin(startedAt, 30_000);
});
