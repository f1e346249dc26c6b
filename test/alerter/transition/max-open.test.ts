import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sampleReport } from '../../../src/alerter/evaluate/sample-row.ts';
import type { SampledRow } from '../../../src/alerter/evaluate/sample.ts';
import { onEachDatabase } from '../../storage/support/databases.ts';
import { clientWith } from '../support/config-of.ts';
import { at, diskRow, reportRow } from '../support/rows.ts';
import { stationFor } from '../support/station.ts';
import { everyMs, startTransition, type TestedTransition } from '../support/time-line.ts';

const client = clientWith('');

function reportAt(visit: number, mounts: readonly string[], usedPercent = 99): SampledRow {
  const disks = mounts.map((mount) => diskRow({ mount, used_percent: usedPercent }));
  const row = reportRow({ observedAtMs: at('08:00') + visit * everyMs });
  return sampleReport({ client, row, disks, networks: [], report: null });
}

const invented = (visit: number, count = 3_000): readonly string[] =>
  Array.from({ length: count }, (_, index) => `/invented-${visit}-${index}`);

function openOf(evaluation: TestedTransition): readonly string[] {
  return evaluation.notified().open.map(({ subject }) => subject);
}

test('a client that invents 3,000 full mounts, others at each visit, has few alerts and keeps the real one', () => {
  const evaluation = startTransition();
  evaluation.evaluate(client, [reportAt(0, ['/data'])]);
  for (const visit of [1, 2, 3, 4]) {
    evaluation.evaluate(client, [reportAt(visit, [...invented(visit), '/data'])]);
    const open = openOf(evaluation);
    assert.equal(open.length, 51, `visit ${visit}`);
    assert.ok(open.includes('/data') && open.includes('(more)'));
  }
  assert.ok(evaluation.notified().all.length <= 150, `${evaluation.notified().all.length} alerts in four visits`);
  assert.deepEqual(Object.keys(evaluation.notified().memory?.changes ?? {}).length <= 100, true);
});

test('one alert counts the subjects that have none of their own, and ends when there are no more', () => {
  const evaluation = startTransition();
  evaluation.evaluate(client, [reportAt(0, invented(0))]);
  const first = openOf(evaluation);
  const more = evaluation.notified().open.find(({ subject }) => subject === '(more)');
  assert.equal(more?.valueText, '2,950 more, 2,950 of them critical, beyond the 50 that have alerts of their own');
  assert.equal(`${more.severity}, ${more.limitText}`, 'critical, at least 95 %');
  evaluation.evaluate(client, [reportAt(1, invented(0))]);
  assert.deepEqual(openOf(evaluation), first, 'those that opened first stay');
  for (const visit of [2, 3]) evaluation.evaluate(client, [reportAt(visit, invented(0, 20), 10)]);
  assert.deepEqual(openOf(evaluation), []);
  const closed = evaluation.notified().all.map(({ subject, closedReason }) => [subject, closedReason]);
  assert.deepEqual(closed.find(([subject]) => subject === '(more)')?.[1], 'recovered');
  assert.equal(closed.filter(([, reason]) => reason === 'gone').length, 30);
});

test('of more new subjects than may have alerts the critical ones have them', () => {
  const evaluation = startTransition();
  const warnings = invented(0, 100).map((mount) => diskRow({ mount, used_percent: 91 }));
  const row = reportRow({ observedAtMs: at('08:00') });
  const disks = [...warnings, diskRow({ mount: '/data', used_percent: 99 })];
  evaluation.evaluate(client, [sampleReport({ client, row, disks, networks: [], report: null })]);
  assert.ok(openOf(evaluation).includes('/data'));
});

test('the alert of what is beyond says how much of it is critical', () => {
  const evaluation = startTransition();
  const warnings = invented(0, 50).map((mount) => diskRow({ mount, used_percent: 91 }));
  const beyond = [91, 99, 91].map((used_percent, index) => diskRow({ mount: `/late-${index}`, used_percent }));
  for (const [visit, disks] of [warnings, [...warnings, ...beyond]].entries()) {
    const row = reportRow({ observedAtMs: at('08:00') + visit * everyMs });
    evaluation.evaluate(client, [sampleReport({ client, row, disks, networks: [], report: null })]);
  }
  const more = evaluation.notified().open.find(({ subject }) => subject === '(more)');
  assert.equal(more?.valueText, '3 more, 1 of them critical, beyond the 50 that have alerts of their own');
  assert.equal(more.severity, 'critical');
});

test('reports that bring other names each, late ones too, leave few alerts and little to remember in one pass', () => {
  const evaluation = startTransition();
  evaluation.evaluate(client, [reportAt(200, [])]);
  evaluation.evaluate(
    client,
    Array.from({ length: 100 }, (_, visit) => reportAt(visit, invented(visit, 200))),
  );
  evaluation.evaluate(
    client,
    Array.from({ length: 100 }, (_, visit) => reportAt(201 + visit, invented(visit, 200))),
  );
  assert.ok(evaluation.notified().all.length <= 200, `${evaluation.notified().all.length} alerts`);
  for (let visit = 301; visit < 340; visit++) {
    const kept = invented(Math.floor(visit / 3), 200);
    evaluation.evaluate(client, [reportAt(visit, kept, visit % 3 === 0 ? 99 : 10)]);
  }
  const remembered = Object.keys(evaluation.notified().memory?.changes ?? {});
  assert.ok(remembered.length <= 150, `the changes of ${remembered.length} subjects`);
});

onEachDatabase('alerts that one client invents', (kit) => {
  test('four visits with other full mounts each are few alerts and mails, and silence no other client', async (t) => {
    const elements = `<alerts><mail to="ops@example.org"/></alerts>
      <client name="app-9" ip="192.0.2.9" username="u"/><client name="db-1" ip="192.0.2.1" username="u"/>`;
    const station = await stationFor(t, { storage: await kit.migrated(), elements });
    const mails: string[] = [];
    for (const visit of [0, 1, 2, 3, 4, 5]) {
      station.at(at('08:00') + visit * everyMs);
      const disks = invented(visit, 200).map((mount) => `disk ${mount} 99`);
      await station.collect({
        'app-9': visit > 3 ? '' : disks.join(', '),
        ...(visit === 2 ? { 'db-1': 'disk / 99' } : {}),
      });
      station.at(station.nowMs() + 60_000);
      mails.push(...(await station.pass()).arrived.map(({ sentence }) => sentence));
    }
    const [counts] = await station.database.read((session) =>
      session.all(
        `SELECT COUNT(*) AS of_all, SUM(CASE WHEN state = 'resolved' THEN 0 ELSE 1 END) AS still_open FROM alerts
         WHERE client = 'app-9'`,
      ),
    );
    assert.ok(Number(counts?.['of_all']) <= 103, `${String(counts?.['of_all'])} alerts`);
    assert.equal(Number(counts?.['still_open']), 0);
    assert.ok(mails.length <= 6, mails.join('\n'));
    const isNotified = mails.some((sentence) => sentence.includes('firing critical db-1 disk /'));
    assert.ok(isNotified, mails.join('\n'));
  });
});
