import assert from 'node:assert/strict';
import { test } from 'node:test';

import { storageOn } from '../../src/storage/open-storage.ts';
import { atTime } from './crashing-database.ts';
import { onBothDatabases } from './databases.ts';
import { item, noonMs, refusedVisit, runStart, visit } from './samples.ts';

const hourMs = 3_600_000;
const tenYearsMs = 10 * 365 * 24 * hourMs;

onBothDatabases('after a clock that was ten years ahead', (kit) => {
  test('the next run’s visits and reports are the newest again', async () => {
    const { database } = await kit.open();
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
    assert.deepEqual(
      [facts?.lastVisitAtMs, facts?.lastReportAtMs, facts?.bootId, facts?.consecutiveFailures],
      [clock.nowMs, clock.nowMs, 'new', 1],
    );
  });

  test('a collector whose clock is less than an hour ahead is believed', async () => {
    const { database } = await kit.open();
    const { reports } = storageOn(atTime(database, () => noonMs - hourMs + 1));
    await reports.saveVisits([visit()]);
    await reports.startRun(runStart());
    assert.equal((await reports.clientFacts()).get('web-1')?.lastVisitAtMs, noonMs);
  });
});
