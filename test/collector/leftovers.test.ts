/** A run that is interrupted leaves the remaining reports of earlier runs to the next run, and ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';

import { loadKeyRing } from '../../src/collector/keys/key-ring.ts';
import { openSealedSpool } from '../../src/collector/sealed-reports/sealed-spool.ts';
import { statePaths } from '../../src/state-folder/paths.ts';
import { makeClient, makeFleet } from '../support/fleets/fleet.ts';
import { sealedSample } from '../support/clients/sealed-report.ts';

const fleet = makeFleet();

test('what waits from earlier runs does not hold up the end of an interrupted run', { timeout: 60_000 }, async () => {
  const paths = statePaths(fleet.stateDir);
  const { sealing: key } = loadKeyRing(paths, Date.now());
  const spool = openSealedSpool(paths.encryptedStats);
  const left = 160;
  for (let count = 0; count < left; count += 1) {
    const { sealed, reportId } = sealedSample({ key, inside: { client: 'web-1' } });
    await spool.add({ client: 'web-1', reportId, sealed, receivedAtMs: Date.now(), clock: null });
  }

  const clients = [makeClient('web-1')];
  const controller = new AbortController();
  const result = await fleet.collect(clients, {
    signal: controller.signal,
    transportFor: () => ({ connect: () => new Promise(() => undefined) }),
    openStorage: async () => {
      const storage = await fleet.openStorage();
      const ingest: typeof storage.reports.ingest = async (items) => {
        controller.abort();
        while (!fleet.events.some(({ kind }) => kind === 'visited')) await setImmediate();
        // The pass notices the abort in its own turn.
        await setImmediate();
        return await storage.reports.ingest(items);
      };
      return { ...storage, reports: { ...storage.reports, ingest } };
    },
  });
  assert.equal(result.outcome, 'interrupted');
  assert.equal(result.exitStatus, 1);
  assert.deepEqual(result.faults, []);
  assert.ok(result.reports.stored > 0 && result.reports.waiting > 0);
  assert.equal(result.reports.stored + result.reports.waiting, left);
  assert.equal(fleet.sealedFiles().length, result.reports.waiting);

  const next = await fleet.collect(clients);
  assert.equal(next.reports.waiting, 0);
  assert.deepEqual(fleet.sealedFiles(), []);
  assert.equal(await fleet.count('stats'), left + 1);
});
