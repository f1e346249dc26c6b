import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runCommand } from '../../src/platform/run-command.ts';
import { assertWithin } from '../support/within.ts';

for (const [how, ending] of [
  ['a signal ended the program itself', 'kill -9 $$'],
  ['the program ended by itself', 'exit 3'],
] as const) {
  test(`the deadline ends what a program has left behind, also if ${how}`, async () => {
    const startedAt = performance.now();
    const { isLate } = await runCommand({
      command: 'sh',
      args: ['-c', `sleep 60 & ${ending}`],
      timeoutMs: 500,
      signal: AbortSignal.timeout(30_000),
      maxOutput: 100,
      waitsForOutput: true,
    });
    assert.equal(isLate, true);
    assertWithin(startedAt, 30_000);
  });
}
