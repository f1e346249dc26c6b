import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { loadConfig } from '../../../src/config/load-config.ts';
import type { FleetMember } from '../../../src/look/data/fleet-member.ts';
import { readFleetStatus } from '../../../src/look/data/fleet-status.ts';
import { fleetPart, readFleetView, readSnapshot } from '../../../src/look/data/live-fleet.ts';
import { stateCounts } from '../../../src/look/page/state-counts.ts';

import { wholeFleet as everything } from '../../../src/look/page/live/links.ts';
import { alertFolder, firing } from '../../cli/support/stored-alerts.ts';
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

test('a part of the fleet has its own alerts, those of its groups, and the machines that it stands on', async (t) => {
  const client = (name: string, on = ''): string => `<client name="${name}" ip="192.0.2.1"${on && ` on="${on}"`}/>`;
  const config = `<config>${client('host-a')}${client('host-b')}
    <group name="web" need="1">${client('web-1', 'host-a')}</group><group name="db">${client('db-1', 'host-b')}</group></config>`;
  const short = firing({ client: '', rule: 'group-short', subject: 'web' });
  const fleet = firing({ client: '', rule: 'collector', subject: '' });
  const alerts = [firing({ client: 'web-1' }), firing({ client: 'db-1' }), short, fleet];
  const { dir, store } = await alertFolder(t, { config, alerts });
  await store(async (storage) => {
    const snapshot = await readSnapshot(loadConfig({ file: path.join(dir, 'config.xml') }), storage);
    for (const { part, about, roots } of [
      { part: {}, about: ['', '', 'db-1', 'web-1'], roots: ['host-a', 'host-b'] },
      { part: { group: 'web' }, about: ['', 'web-1'], roots: ['host-a'] },
      { part: { words: 'db-1' }, about: ['db-1'], roots: ['host-b'] },
      { part: { sort: 'name', folded: ['web'] }, about: ['', '', 'db-1', 'web-1'], roots: ['host-a', 'host-b'] },
      { part: { label: 'none=such' }, about: [], roots: [] },
    ]) {
      const view = await readFleetView(snapshot, storage.plots, { ...everything, ...part });
      const shown = view.alerts.map((alert) => alert.client).sort();
      assert.deepEqual([shown, view.stands.map(({ name }) => name)], [about, roots], JSON.stringify(part));
      assert.deepEqual([view.openAlerts, view.allAlerts], [about.length, 4]);
    }
  });
});
