import assert from 'node:assert/strict';
import { test } from 'node:test';

import { evaluateFleet } from '../../../src/alerter/absence/fleet-conditions.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { onEachDatabase } from '../../storage/support/databases.ts';
import { noonMs } from '../../storage/support/samples.ts';
import { configOf } from '../support/config-of.ts';
import type { StateDiskFact } from '../../../src/storage/store/fleet-store.ts';
import { pluck } from '../../support/pluck.ts';

const config = configOf('<client name="web-1" ip="192.0.2.1" username="u"/>');

const disk = (freePercent: number, minute: number): StateDiskFact => ({
  host: 'mon-1',
  path: '/var/lib/fleet-health',
  sizeBytes: 1e11,
  availableBytes: freePercent * 1e9,
  freePercent,
  observedAtMs: noonMs + minute * 60_000,
});

test('below a tenth people are notified once, and it is over from 12 % on', () => {
  const quiet = { config, runs: [], seenClients: [] };
  let open: readonly Alert[] = [];
  const notified: string[] = [];
  const course = [50, 10, 9.9, 2, 10.5, 11.9, 12, 9.9];
  for (const [minute, freePercent] of course.entries()) {
    const times = { nowMs: noonMs + minute * 60_000, databaseUpSinceMs: noonMs };
    const changed = evaluateFleet({ ...quiet, alerts: open, ...times, stateDisks: [disk(freePercent, minute)] });
    for (const { rule, subject, state, valueText } of changed) {
      notified.push(`${freePercent}: ${rule} ${subject} ${state}${state === 'firing' ? `: ${valueText}` : ''}`);
    }
    open = changed.length === 0 ? open : changed.filter(({ state }) => state !== 'resolved');
  }
  const subject = 'mon-1:/var/lib/fleet-health';
  const left = '9.9 % (9.22 GiB) is free on mon-1 in /var/lib/fleet-health';
  assert.deepEqual(notified, [
    `9.9: state-disk ${subject} firing: ${left}`,
    `12: state-disk ${subject} resolved`,
    `9.9: state-disk ${subject} firing: ${left}`,
  ]);
  const silent = evaluateFleet({ ...quiet, alerts: open, nowMs: noonMs, databaseUpSinceMs: null });
  assert.deepEqual(silent, [], 'of one that nobody speaks of nothing is known');
});

onEachDatabase('own disks', ({ it }) => {
  it('what a collector says of them is there for the alerter, the newest of each', async ({ reports, storage }) => {
    const own = { path: '/var/lib/fleet-health', sizeBytes: 1e11, availableBytes: 5e10 };
    const say = (freePercent: number, minute: number) =>
      reports.saveStateDisks({
        host: 'mon-1',
        collectorId: 'c1',
        atMs: noonMs + minute * 60_000,
        disks: [{ ...own, freePercent }],
      });
    assert.deepEqual(await say(50, 0), []);
    assert.deepEqual(pluck(await say(9, 5), 'freePercent'), [50]);
    assert.deepEqual(await storage.fleet.stateDisks(noonMs), [
      { ...own, host: 'mon-1', freePercent: 9, observedAtMs: noonMs + 300_000 },
    ]);
    assert.deepEqual(await storage.fleet.stateDisks(noonMs + 300_001), []);
  });

  it('a collector learns what was said of its own disks before, and of no others', async ({ reports }) => {
    const before = async (host: string, path: string): Promise<readonly string[]> => {
      const disks = [{ path, sizeBytes: 1e11, availableBytes: 5e10, freePercent: 50 }];
      const facts = await reports.saveStateDisks({ host, collectorId: host, atMs: noonMs, disks });
      return facts.map((fact) => `${fact.host}:${fact.path}`);
    };
    assert.deepEqual(await before('mon-1', '/a'), []);
    assert.deepEqual(await before('mon-2', '/a'), []);
    assert.deepEqual(await before('mon-1', '/b'), []);
    assert.deepEqual(await before('mon-1', '/a'), ['mon-1:/a']);
  });
});
