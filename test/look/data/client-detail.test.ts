import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Config } from '../../../src/config/config.ts';
import { readClientDetail } from '../../../src/look/data/client-detail.ts';
import { alert, mail, stored } from '../../storage/support/alert-samples.ts';
import { onEachDatabase } from '../../storage/support/databases.ts';
import { check, item, noonMs, ordinaryWorkers, runStart, visit, worker } from '../../storage/support/samples.ts';

const minuteMs = 60_000;
const rule = { name: 'disk', note: 'call the storage team', type: 'disk', selectors: {}, freeBytes: 1 };
const client = {
  name: 'web-1',
  address: '192.0.2.1',
  state: 'active',
  arrival: { kind: 'local' },
  rules: [rule],
  groups: ['web'],
  windows: [],
};
const config = {
  clients: [client],
  needs: [],
  collector: { everyMs: 5 * minuteMs },
  alerts: { rules: [], windows: [], zone: 'UTC' },
} as unknown as Config;

onEachDatabase('what is shown of a client', (kit) => {
  test('is null of one that is nowhere, and empty of one without any row', async () => {
    const sources = await kit.open();
    assert.equal(await readClientDetail(config, sources, 'web-2', noonMs), null);
    const found = (await readClientDetail(config, sources, 'web-1', noonMs)) ?? assert.fail('it is in config.xml');
    const { member, listed, ...rest } = found;
    assert.deepEqual(
      { state: member.state, known: member.known, name: listed?.name },
      { state: 'new', known: null, name: 'web-1' },
    );
    const lists = { alerts: [], forecasts: [], visits: [], mails: [], logs: [], logCounts: [] };
    assert.deepEqual(rest, { ...lists, newest: null, day: null, inventory: null });
  });

  test('comes from its newest report, the day before, its alerts with notes, and its mails', async () => {
    const { storage } = await kit.open();
    const { evaluation, leases, notifications, reports } = storage;
    const run = runStart();
    await reports.startRun(run);
    await reports.saveVisits([visit({ runId: run.id })]);
    const units = worker('failed_unit', { unit: 'nginx.service', failed: 1 });
    await reports.ingest([
      item({ observedAtMs: noonMs - 20 * minuteMs }),
      item({ observedAtMs: noonMs, workers: [...ordinaryWorkers(), units] }),
      item({ client: 'web-2', observedAtMs: noonMs }),
    ]);
    const lease = (await leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
    const alerts = [alert(), alert({ client: 'web-2' })];
    await evaluation.saveProcessed(lease, { statIds: [], visitIds: [], ruleStates: new Map(), alerts });
    const mails = [mail({ notifications: [stored({ alertId: 1 }), stored({ alertId: 2 })] })];
    await notifications.saveNotifications(lease, { mails, notified: [], closedOut: [] });
    const nowMs = noonMs + minuteMs;
    const found = (await readClientDetail(config, storage, 'web-1', nowMs)) ?? assert.fail('it is stored');
    assert.deepEqual(
      { openAlerts: found.member.openAlerts, worstAlert: found.member.worstAlert, visits: found.visits.length },
      { openAlerts: 1, worstAlert: 'critical', visits: 1 },
    );
    assert.deepEqual(
      found.alerts.map(({ alert: { id, subject }, note }) => ({ id, subject, note })),
      [{ id: 1, subject: '/data', note: 'call the storage team' }],
    );
    assert.deepEqual(
      found.mails.map(({ recipient, delivery, lines }) => ({ recipient, delivery, lines: lines.length })),
      [{ recipient: 'ops@example.org', delivery: 'waiting', lines: 1 }],
    );
    const { newest, day } = found;
    assert.deepEqual([newest?.row.observedAtMs, newest?.row.memory_percent], [noonMs, 41.7]);
    assert.deepEqual(
      newest?.disks.map(({ mount }) => mount),
      ['/', '/data', '/boot'],
    );
    assert.deepEqual([newest.whole?.failedUnits, newest.whole?.memoryBytes], [['nginx.service'], 8345677824]);
    assert.equal(day?.stepMs, 5 * minuteMs);
    const known = day.cpuPercent.flatMap((value, step) => (value === null ? [] : [day.sinceMs + step * day.stepMs]));
    assert.deepEqual(known, [noonMs - 20 * minuteMs, noonMs]);
  });

  test('has its checks, worst first, since when each has its state, and never more than a day of them', async () => {
    const sources = await kit.open();
    const reportAt = (minutes: number, mailq: number): ReturnType<typeof item> =>
      item({
        observedAtMs: noonMs + minutes * minuteMs,
        checks: [check('apt', 0), check('disk', 0, '', { age_s: 90 }), check('load', null), check('mailq', mailq)],
      });
    // The first report is older than a day.
    await sources.reports.ingest([
      reportAt(-1500, 1),
      ...[0, 2, 0, 2, 2].map((mailq, index) => reportAt(index * 5, mailq)),
      item({ client: 'web-2', observedAtMs: noonMs + 16 * minuteMs, checks: [check('mailq', 0)] }),
    ]);
    const found = await readClientDetail(config, sources, 'web-1', noonMs + 20 * minuteMs);
    assert.deepEqual(
      found?.newest?.checks.map(({ check_name: name, state, age_s, sinceMs, sinceIsOlder }) => [
        name,
        state,
        age_s,
        ((sinceMs ?? 0) - noonMs) / minuteMs,
        sinceIsOlder,
      ]),
      [
        ['mailq', 2, 0, 15, false],
        ['load', 3, 0, 0, true],
        ['apt', 0, 0, 0, true],
        ['disk', 0, 90, 0, true],
      ],
    );
  });
});
