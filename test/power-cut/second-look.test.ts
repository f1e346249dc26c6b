// Second tier: what forgotten-commits.test.ts tries of every cut, of a database that has forgotten all.
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { makeConfig, type Fleet } from '../support/fleets/fleet.ts';
import { makeMigrated } from '../support/databases/migrated.ts';
import { afterNextRun } from './after-next-run.ts';
import { tryEveryCut } from './every-cut.ts';
import { clients, makeWaiting, promised } from './waiting-collector.ts';

/** Puts a database without rows in the place of the fleet's. */
async function forget(fleet: Fleet): Promise<void> {
  const { storage } = makeConfig(fleet.stateDir, []);
  const empty = { ...storage, path: path.join(fleet.dir, 'empty.db') };
  await makeMigrated(empty as typeof storage);
  copyFileSync(empty.path, storage.path ?? '');
}

test('forgotten rows are stored again after every power cut of the run that restores them', async () => {
  const fleet = await makeWaiting();
  await fleet.collect(clients);
  await forget(fleet);
  const promises = await tryEveryCut({
    dir: fleet.dir,
    run: async (promise) => {
      promised.forEach(promise);
      await fleet.collect(clients);
    },
    recover: () => afterNextRun(fleet, clients),
  });
  assert.equal(promises, promised.length);
});
