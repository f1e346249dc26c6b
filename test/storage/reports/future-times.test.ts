import assert from 'node:assert/strict';
import { test } from 'node:test';

import { storageOn } from '../../../src/storage/open-storage.ts';
import { atTime } from '../support/crashing-database.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item, noonMs, refusedVisit, runStart, visit } from '../support/samples.ts';

const hourMs = 3_600_000;
const tenYearsMs = 10 * 365 * 24 * hourMs;

onEachDatabase('after a clock that was ten years ahead', ({ it, open }) => {
  it('the next run’s visits and reports are the newest again', async ({ database }) => {
    const clock = { nowMs: noonMs + tenYearsMs };
    const { reports } = storageOn(atTime(database, () => clock.nowMs));
    await reports.startRun(runStart({ startedAtMs: clock.nowMs }));
    await reports.saveVisits([visit({ startedAtMs: clock.nowMs })]);
    await reports.ingest([item({ observedAtMs: clock.nowMs, receivedAtMs: clock.nowMs, bootId: 'old' })]);
    clock.nowMs = noonMs;
    const start = runStart({ startedAtMs: noonMs });
    await reports.startRun(start);
    const settled = (await reports.clientFacts()).get('web-1');
    assert.deepEqual([settled?.lastVisitAtMs, settled?.lastReportAtMs], [noonMs, noonMs]);
    clock.nowMs = noonMs + 1000;
    await reports.saveVisits([visit({ ...refusedVisit, runId: start.id, startedAtMs: clock.nowMs })]);
    await reports.ingest([item({ observedAtMs: clock.nowMs, receivedAtMs: clock.nowMs, bootId: 'new' })]);
    const facts = (await reports.clientFacts()).get('web-1');
    assert.deepEqual([facts?.lastVisitAtMs, facts?.lastReportAtMs], [clock.nowMs, clock.nowMs]);
    assert.deepEqual([facts?.bootId, facts?.consecutiveFailures], ['new', 1]);
  });

  test('its rows hide neither the present nor themselves where there is nothing else', async () => {
    // The view uses the server's clock, so the times follow this machine's clock.
    const { storage } = await open();
    const nowMs = Date.now() - 60_000;
    const aheadMs = nowMs + tenYearsMs;
    const run = runStart({ startedAtMs: nowMs });
    await storage.reports.startRun(run);
    for (const timeMs of [aheadMs, nowMs - 1000, nowMs]) {
      const at = { observedAtMs: timeMs, receivedAtMs: timeMs };
      await storage.reports.ingest([item({ ...at, id: `at ${timeMs}` }), item({ ...at, client: `of ${timeMs}` })]);
      await storage.reports.saveVisits([visit({ runId: `run at ${timeMs}`, startedAtMs: timeMs })]);
    }
    await storage.reports.saveVisits([visit({ runId: 'other', client: `of ${aheadMs}`, startedAtMs: aheadMs })]);
    const latest = await storage.history.query('SELECT client, report_id FROM latest_stats');
    const reportOf = new Map(latest.map((row) => [row['client'], row['report_id']]));
    assert.equal(reportOf.get('web-1'), `at ${nowMs}`);
    assert.ok(reportOf.has(`of ${aheadMs}`), 'a client that has no other row');
    const statuses = new Map((await storage.history.clients()).map((one) => [one.client, one.observedAtMs]));
    assert.deepEqual([statuses.get('web-1'), statuses.get(`of ${aheadMs}`)], [nowMs, aheadMs]);
    const newest = await storage.alertHistory.newestRows('web-1');
    assert.deepEqual([newest.report?.observedAtMs, newest.visit?.startedAtMs], [nowMs, nowMs]);
    const other = await storage.alertHistory.newestRows(`of ${aheadMs}`);
    assert.deepEqual([other.report?.observedAtMs, other.visit?.startedAtMs], [aheadMs, aheadMs]);
  });

  it('a collector whose clock is less than an hour ahead is believed', async ({ database }) => {
    const { reports } = storageOn(atTime(database, () => noonMs - hourMs + 1));
    await reports.saveVisits([visit()]);
    await reports.startRun(runStart());
    assert.equal((await reports.clientFacts()).get('web-1')?.lastVisitAtMs, noonMs);
  });
});
