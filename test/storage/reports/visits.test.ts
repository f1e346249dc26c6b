/** The row of a client after visits and reports, in whatever order they are stored. */
import assert from 'node:assert/strict';

import { minuteMs } from '../../../src/platform/units.ts';
import type { IngestItem } from '../../../src/storage/store/storage.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { item, noonMs, refusedVisit, visit } from '../support/samples.ts';

const later = (minutes: number): number => noonMs + minutes * minuteMs;
const timeOf = (minutes: number): string => `2026-11-20 10:${String(minutes).padStart(2, '0')}:00.000`;

const columns = async ({ rows }: Opened, names: string) =>
  (await rows(`SELECT ${names} FROM clients ORDER BY name`))[0];

onEachDatabase('the row of a client', ({ it }) => {
  it('keeps after a failed visit what only a good one knows', async (opened) => {
    const { reports } = opened;
    const state = { stamp: 'stamp', runs: 3 };
    const good = visit({ runId: 'a', sealedTo: ['k1', 'k2'], state, stateSame: true });
    await reports.saveVisits([good]);
    const names = 'reader, boot_id, sealed_to, state_stamp, state_at, state_runs, state_same_at, first_seen';
    const known = await columns(opened, names);
    assert.deepEqual(known, ['node', 'boot-1', 'k1 k2', 'stamp', timeOf(0), 3, timeOf(0), timeOf(0)]);
    for (const [runId, minutes] of [
      ['b', 1],
      ['c', 2],
    ] as const)
      await reports.saveVisits([
        visit({ ...refusedVisit, runId, startedAtMs: later(minutes), nextAttemptAtMs: later(9) }),
      ]);
    assert.deepEqual(await columns(opened, names), known);
    const present = 'name, address, last_visit_at, consecutive_failures, next_attempt_at';
    const failed = ['web-1', '192.0.2.1', timeOf(2), 2, timeOf(9)];
    assert.deepEqual(await columns(opened, present), failed);
    // Out of the inbox after them, and stored twice.
    for (let round = 0; round < 2; round += 1)
      await reports.saveVisits([visit({ runId: 'd', startedAtMs: later(-1) })]);
    assert.deepEqual(await columns(opened, present), failed);
    assert.deepEqual(await opened.rows('SELECT COUNT(*) FROM visits'), [[4]]);
  });

  it('has the boot and the time of its newest report, whichever came last', async (opened) => {
    const { reports } = opened;
    const report = (minutes: number, more: object = {}): IngestItem =>
      item({ observedAtMs: later(minutes), receivedAtMs: later(minutes + 1), bootId: `boot ${minutes}`, ...more });
    const unbooted = (one: IngestItem): IngestItem => ({ ...one, report: { ...one.report, boot_id: null } });
    const row = () => columns(opened, 'boot_id, last_report_at, inventory_at, first_seen');
    await reports.ingest([report(3), report(5), report(4)]);
    assert.deepEqual(await row(), ['boot 5', timeOf(5), null, timeOf(4)]);
    await reports.ingest([report(2), report(9, { name: 'Inventory report' })]);
    assert.deepEqual(await row(), ['boot 5', timeOf(5), timeOf(9), timeOf(4)]);
    await reports.ingest([report(8, { name: 'Inventory report', workers: [] })]);
    await reports.ingest([report(5, { bootId: 'again' })]);
    assert.deepEqual(await row(), ['again', timeOf(5), timeOf(9), timeOf(4)]);
    await reports.ingest([unbooted(report(6))]);
    assert.deepEqual(await row(), ['again', timeOf(6), timeOf(9), timeOf(4)]);
    await reports.ingest([report(7, { bootId: 'one' }), report(7, { bootId: 'two' })]);
    assert.deepEqual(await row(), ['two', timeOf(7), timeOf(9), timeOf(4)]);
  });
});
