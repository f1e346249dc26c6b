import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { loadConfig } from '../../../src/config/load-config.ts';
import type { FleetMember } from '../../../src/look/data/fleet-member.ts';
import { readFleetStatus } from '../../../src/look/data/fleet-status.ts';
import { fleetPart } from '../../../src/look/data/live-fleet.ts';
import { stateCounts } from '../../../src/look/page/state-counts.ts';

import { wholeFleet as everything } from '../../../src/look/page/live/links.ts';
import { alertFolder } from '../../cli/support/stored-alerts.ts';
import { runEnd, runStart } from '../../storage/support/samples.ts';

test('the live page counts each client once, as a report does, and the link of a count shows these clients', () => {
  const client = fc.record({
    state: fc.constantFrom('ok', 'failing', 'late', 'new', 'paused', 'retired'),
    worstAlert: fc.constantFrom('critical', 'warning', null),
  });
  fc.assert(
    fc.property(fc.array(client), (all) => {
      const members = all as unknown as readonly FleetMember[];
      const { counts } = fleetPart(members, everything);
      assert.deepEqual(counts, stateCounts(members.map(({ state, worstAlert }) => ({ state, worst: worstAlert }))));
      assert.equal(
        counts.reduce((sum, { clients }) => sum + clients, 0),
        members.length,
      );
      for (const { state, clients } of counts) {
        assert.equal(fleetPart(members, { ...everything, state }).matching.length, clients, state);
      }
    }),
  );
});

test('the time of the newest reports is the end of a run while another one is in progress', async (t) => {
  const config = '<config><client name="web-1" ip="192.0.2.1"/></config>';
  const { dir, store } = await alertFolder(t, { config, alerts: [] });
  await store(async (storage) => {
    const nowMs = Date.now();
    const read = loadConfig({ file: path.join(dir, 'config.xml') });
    const collectedAt = async (): Promise<number | null> =>
      (await readFleetStatus(read, storage, { nowMs, only: null })).collectedAtMs;
    assert.equal(await collectedAt(), null);
    for (const [agoMs, hasEnded] of [
      [7_200_000, true],
      [3_600_000, true],
      [60_000, false],
    ] as const) {
      const start = runStart({ startedAtMs: nowMs - agoMs });
      await storage.reports.startRun(start);
      if (hasEnded) await storage.reports.endRun(start, runEnd(start));
    }
    assert.equal(await collectedAt(), nowMs - 3_595_000);
  });
});
