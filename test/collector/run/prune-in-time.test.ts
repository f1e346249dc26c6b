import assert from 'node:assert/strict';
import { test } from 'node:test';

import { pruneInTime } from '../../../src/collector/run/prune-in-time.ts';
import type { Config } from '../../../src/config/config.ts';
import type { PruneResult } from '../../../src/storage/store/storage.ts';

for (const { what, spentMs, leftMs } of [
  { what: 'the rest of the run’s deadline', spentMs: 60_000, leftMs: 180_000 },
  { what: 'ten seconds in a run that is late', spentMs: 300_000, leftMs: 10_000 },
]) {
  test(`pruning has ${what}`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const config = { collector: { runDeadlineMs: 240_000 }, retention: {} } as Config;
    const prune = (_limits: unknown, signal: AbortSignal): Promise<PruneResult> => {
      t.mock.timers.tick(leftMs - 1);
      assert.equal(signal.aborted, false);
      t.mock.timers.tick(1);
      return Promise.reject(signal.reason as Error);
    };
    const options = { config, now: () => 1000 + spentMs, signal: new AbortController().signal };
    await assert.rejects(pruneInTime(options, 1000, { prune }), { name: 'TimeoutError' });
  });
}
