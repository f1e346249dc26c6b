import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { ingestTimes, startStorageTime, storageLimits } from '../../../src/collector/run/storage-limits.ts';
import { FleetError } from '../../../src/platform/errors/errors.ts';

const minuteMs = 60_000;
const interrupted = new FleetError({ code: 'interrupted', stage: 'storage', message: 'ended' });
const full = new FleetError({ code: 'storage-full', stage: 'storage', message: 'full' });

test('an eighth of the run’s deadline before and after the visits, 10 s at least, a minute at most', () => {
  const table: readonly (readonly [runDeadlineMs: number, shareMs: number])[] = [
    [6_000, 10_000],
    [80_000, 10_000],
    [4 * minuteMs, minuteMs / 2],
    [8 * minuteMs, minuteMs],
    [48 * minuteMs, minuteMs],
  ];
  for (const [runDeadlineMs, shareMs] of table) {
    assert.deepEqual(storageLimits({ runDeadlineMs }), {
      prepareMs: shareMs,
      inboxMs: 1000,
      leftoversMs: runDeadlineMs,
      allMs: runDeadlineMs + shareMs,
    });
  }
});

test('reports are stored within the limits of the run, of which those from its beginning are partly spent', () => {
  const limits = { prepareMs: 1000, inboxMs: 500, leftoversMs: 20_000, allMs: 30_000 };
  const times = ingestTimes(limits, (ms) => ms - 4000);
  assert.deepEqual(times, { aloneMs: 1000, leftoversMs: 16_000, allMs: 26_000, rejectedMs: 250 });
});

test('a fault that only says that the time was over is reported as a slow database, any other as it is', async () => {
  const time = startStorageTime();
  assert.equal(time.explain(interrupted), interrupted);
  time.endIn(0);
  await once(time.signal, 'abort');
  assert.equal(time.explain(full), full);
  const notified = time.explain(interrupted);
  assert.deepEqual([notified.code, notified.stage], ['storage-unavailable', 'storage']);
  assert.match(notified.message, /too slow for this run/);
});

test('a limit that is taken back ends nothing', async () => {
  const time = startStorageTime();
  time.endIn(0);
  time.endIn(null);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(time.signal.aborted, false);
});
