import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runProgram } from '../../../src/collector/runtimes/run-program.ts';
import { assertWithin } from '../../support/within.ts';

for (const [how, ending, expected] of [
  ['a signal ended the program itself', 'kill -9 $$', null],
  ['the program ended by itself', 'exit 3', 3],
] as const) {
  test(`the deadline ends what a program has left behind, also if ${how}`, async () => {
    const startedAt = performance.now();
    const { status } = await runProgram({
      program: 'sh',
      args: ['-c', `sleep 60 & ${ending}`],
      timeoutMs: 500,
      signal: AbortSignal.timeout(30_000),
    });
    assert.equal(status, expected);
    assertWithin(startedAt, 30_000);
  });
}
