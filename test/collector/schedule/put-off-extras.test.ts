import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { createHandshakeLimits } from '../../../src/collector/schedule/handshake-limits.ts';
import { extrasTimeMs, takeExtrasOf, type PutOffExtras } from '../../../src/collector/schedule/put-off-extras.ts';
import type { VisitRecord } from '../../../src/storage/store/storage.ts';
import { makeClient, makeConfig } from '../../support/fleets/fleet.ts';
import { times } from '../../support/times.ts';

const minute = 60_000;

for (const [everyMs, elapsedMs, expectedMs, why] of [
  [5 * minute, 10_000, 200_000, 'they end before the next run begins'],
  [30_000, 14_000, 7000, 'also in short runs'],
  [5 * minute, 4 * minute, 30_000, 'a tenth of every after a run that took long'],
  [30_000, 29_000, 6000, 'the time of one agent at least'],
] as const) {
  test(`the time for extras of runs every ${everyMs / 1000} s, after ${elapsedMs / 1000} s: ${why}`, () => {
    assert.equal(extrasTimeMs(everyMs, elapsedMs), expectedMs);
  });
}

test('extras end when their time is spent, and each visit is recorded once, with what came', async () => {
  const clients = times(5, (at) => makeClient(`web-${at}`));
  const recorded: string[] = [];
  const begun: string[] = [];
  const visitOf = (client: string, message: string): VisitRecord => ({ client, message }) as VisitRecord;
  const items = clients.map((client, at): PutOffExtras => ({
    client,
    visit: visitOf(client.name, 'figures'),
    extras: async ({ signal }) => {
      begun.push(client.name);
      // The first one comes at once, and the others hang.
      if (at > 0) await once(signal, 'abort');
      return visitOf(client.name, at > 0 ? 'cut off' : 'extras');
    },
  }));
  const config = makeConfig('/nonexistent', clients);
  const signal = new AbortController().signal;
  await takeExtrasOf({
    ...{ items, timeMs: 50, record: ({ client, message }) => recorded.push(`${client} ${message}`) },
    run: { concurrency: 2, retries: 1, observe: () => undefined },
    context: { config, signal },
    limits: createHandshakeLimits(config.collector, undefined),
  });
  assert.deepEqual(begun, ['web-0', 'web-1', 'web-2']);
  assert.deepEqual(recorded, ['web-0 extras', 'web-1 cut off', 'web-2 cut off', 'web-3 figures', 'web-4 figures']);
});
