// Second tier: commits that a disk forgets.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { afterNextRun } from './after-next-run.ts';
import { tryEveryCut } from './every-cut.ts';
import { clients, makeWaiting, promised } from './waiting-collector.ts';

test('rows that the database forgets at a power cut are stored again by the next run', async () => {
  const fleet = await makeWaiting();
  const promises = await tryEveryCut({
    dir: fleet.dir,
    isForgetful: true,
    run: async (promise) => {
      promised.forEach(promise);
      await fleet.collect(clients);
    },
    recover: () => afterNextRun(fleet, clients),
  });
  assert.equal(promises, promised.length);
});
