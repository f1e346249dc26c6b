import assert from 'node:assert/strict';

import { onEachDatabase } from '../support/databases.ts';
import { item, noonMs, refusedVisit, runEnd, runStart, visit } from '../support/samples.ts';

const minuteMs = 60_000;

onEachDatabase("a client's newest rows", ({ it }) => {
  it('are the newest by their own times, whatever came last, treated or not', async ({ storage, reports }) => {
    const run = runStart();
    await reports.endRun(run, runEnd(run));
    await reports.ingest([
      item({ observedAtMs: noonMs + minuteMs, id: 'newest' }),
      item({ observedAtMs: noonMs, id: 'late' }),
      item({ client: 'web-2', observedAtMs: noonMs + 2 * minuteMs }),
      item({ client: 'WEB-1', observedAtMs: noonMs + 3 * minuteMs }),
    ]);
    await reports.saveVisits([
      visit({ runId: 'unknown', startedAtMs: noonMs + 2 * minuteMs, ...refusedVisit }),
      visit({ runId: run.id, startedAtMs: noonMs }),
    ]);
    const newest = await storage.alertHistory.newestRows('web-1');
    assert.deepEqual([newest.report?.reportId, newest.report?.observedAtMs], ['newest', noonMs + minuteMs]);
    assert.equal(newest.report?.cpu_percent, 12.5);
    const { ok, code, full, startedAtMs } = newest.visit ?? {};
    assert.deepEqual(
      { ok, code, full, startedAtMs },
      { ok: false, code: 'connect-refused', full: false, startedAtMs: noonMs + 2 * minuteMs },
    );

    const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
    const { reports: rows, visits } = await storage.evaluation.unprocessed(10);
    const [statIds, visitIds] = [rows.map(({ id }) => id), visits.map(({ id }) => id)];
    await storage.evaluation.saveProcessed(lease, { statIds, visitIds, alerts: [], ruleStates: new Map() });
    assert.deepEqual(await storage.alertHistory.newestRows('web-1'), newest);
  });

  it('of two of one time the one that was stored last; of a stranger there are none', async ({ storage, reports }) => {
    await reports.ingest([item({ id: 'first' })]);
    await reports.ingest([item({ id: 'second' })]);
    assert.equal((await storage.alertHistory.newestRows('web-1')).report?.reportId, 'second');
    assert.equal((await storage.alertHistory.newestRows('web-1')).visit, null);
    assert.deepEqual(await storage.alertHistory.newestRows('stranger'), { report: null, visit: null });
  });
});
