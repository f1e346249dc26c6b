import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { runCheck } from '../../../agent/checks/run-check.ts';

/** Keeps this program from its event loop until a process has ended, and for some time in all. */
function blockUntilEnded(pid: number, ms: number): void {
  const endsAt = performance.now() + ms;
  const hasEnded = (): boolean => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  while (performance.now() < endsAt || !hasEnded());
}

test('a check that has ended in time is no timeout where the agent hears of it later', async () => {
  const deadlineMs = 50;
  const outcome = await runCheck(['sh', '-c', 'echo fine; exit 1'], deadlineMs, ({ pid }) =>
    blockUntilEnded(pid, 2 * deadlineMs),
  );
  assert.deepEqual([outcome.exit, outcome.why, outcome.output.toString()], [1, null, 'fine\n']);
});
