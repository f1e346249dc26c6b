import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runCommand } from '../../src/platform/run-command.ts';
import { assertWithin } from '../support/within.ts';

for (const { how, ending, expected } of [
  { how: 'a signal ended the program itself', ending: 'kill -9 $$', expected: null },
  { how: 'the program ended by itself', ending: 'exit 3', expected: 3 },
] as const) {
  test(`the deadline ends what a program has left behind, also if ${how}`, async () => {
    const startedAt = performance.now();
    const { status } = await runCommand({
      command: 'sh',
      args: ['-c', `sleep 60 & ${ending}`],
      timeoutMs: 500,
      signal: AbortSignal.timeout(30_000),
      mostOutput: 100,
      waitsForOutput: true,
    });
    assert.equal(status, expected);
    assertWithin(startedAt, 30_000);
  });
}
