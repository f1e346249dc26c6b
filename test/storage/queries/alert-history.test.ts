import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { RowPlace } from '../../../src/storage/store/evaluation-store.ts';
import type { Lease } from '../../../src/storage/store/lease-store.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { storageOn } from '../../../src/storage/open-storage.ts';
import { alert, mail, stored, lastNotified } from '../support/alert-samples.ts';
import { atTime } from '../support/crashing-database.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item, noonMs, runEnd, runStart, visit, worker, notLooked } from '../support/samples.ts';
import { pluck, pluckAll } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;
const nothing = { statIds: [], visitIds: [], ruleStates: new Map<string, never>() };

onEachDatabase('silences', ({ it }) => {
  const silence = {
    client: 'web-*',
    rule: 'disk',
    subject: '*',
    startsAtMs: noonMs,
    endsAtMs: noonMs + 60 * minuteMs,
    author: 'ann',
    comment: 'Umzug 🚚',
  };

  it('hold until they end or are ended', async ({ storage }) => {
    const id = await storage.operator.addSilence(silence);
    const later = await storage.operator.addSilence({ ...silence, startsAtMs: noonMs + 30 * minuteMs });
    const second = { id: later, ...silence, startsAtMs: noonMs + 30 * minuteMs };
    assert.deepEqual(await storage.operator.silences(noonMs), [{ id, ...silence }, second]);
    assert.equal(await storage.operator.expireSilence(id, noonMs + minuteMs), true);
    assert.equal(await storage.operator.expireSilence(id, noonMs + 2 * minuteMs), false);
    assert.equal(await storage.operator.expireSilence(999, noonMs), false);
    assert.deepEqual(pluck(await storage.operator.silences(noonMs + minuteMs), 'id'), [later]);
    assert.deepEqual(await storage.operator.silences(noonMs + 60 * minuteMs), []);
  });

  it('that have ended are known for a day: what they held back waits for the next row', async ({ storage }) => {
    await storage.operator.addSilence(silence);
    const counts = async (nowMs: number): Promise<readonly number[]> => {
      const state = await storage.notifications.state(nowMs);
      return [state.silences.length, state.endedSilences.length];
    };
    assert.deepEqual(await counts(silence.endsAtMs - 1), [1, 0]);
    assert.deepEqual(await counts(silence.endsAtMs), [0, 1]);
    assert.deepEqual(await counts(silence.endsAtMs + dayMs), [0, 0]);
  });

  it('the same silence is one', async ({ storage }) => {
    assert.equal(await storage.operator.addSilence(silence), await storage.operator.addSilence(silence));
    assert.notEqual(
      await storage.operator.addSilence(silence),
      await storage.operator.addSilence({ ...silence, client: 'WEB-*' }),
    );
  });
});

onEachDatabase('acknowledgements', ({ it }) => {
  it('are of open alerts', async ({ storage }) => {
    const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
    const closed = { state: 'resolved', resolvedAtMs: noonMs, closedReason: 'recovered' } as const;
    const samples = [alert({ severity: 'warning' }), alert({ subject: '/' }), alert(closed)];
    await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: samples });
    assert.equal(await storage.operator.acknowledge([1, 2, 3, 4], 'ann', null, null), 2);
    assert.equal(await storage.operator.acknowledge([], 'ann', null, null), 0);
    assert.equal(await storage.operator.acknowledge([2], 'bob', noonMs, 'disk is ordered'), 1);
    const all = await storage.alertHistory.alertsOf({ openOnly: false, limit: 10 });
    assert.deepEqual(
      all.map((one) => ({
        id: one.id,
        acknowledgedBy: one.acknowledgedBy,
        acknowledgedSeverity: one.acknowledgedSeverity,
        acknowledgedUntilMs: one.acknowledgedUntilMs,
        acknowledgedComment: one.acknowledgedComment,
      })),
      [
        {
          id: 3,
          acknowledgedBy: null,
          acknowledgedSeverity: null,
          acknowledgedUntilMs: null,
          acknowledgedComment: null,
        },
        {
          id: 2,
          acknowledgedBy: 'bob',
          acknowledgedSeverity: 'critical',
          acknowledgedUntilMs: noonMs,
          acknowledgedComment: 'disk is ordered',
        },
        {
          id: 1,
          acknowledgedBy: 'ann',
          acknowledgedSeverity: 'warning',
          acknowledgedUntilMs: null,
          acknowledgedComment: null,
        },
      ],
    );
  });
});

onEachDatabase("the alerter's questions", ({ it }) => {
  it('alerts by client, rule and state, newest first', async ({ storage }) => {
    const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
    const closed = { state: 'resolved', resolvedAtMs: noonMs, closedReason: 'recovered' } as const;
    const pending = alert({ client: 'web-2', state: 'pending', firingSinceMs: null });
    const samples = [alert(closed), alert({ rule: 'memory' }), pending, alert()];
    await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: samples });
    const ids = async (filter: object): Promise<readonly (number | null)[]> =>
      (await storage.alertHistory.alertsOf({ openOnly: false, limit: 10, ...filter })).map(({ id }) => id);
    assert.deepEqual(await ids({}), [4, 3, 2, 1]);
    assert.deepEqual(await ids({ limit: 2 }), [4, 3]);
    assert.deepEqual(await ids({ openOnly: true }), [4, 3, 2]);
    assert.deepEqual(await ids({ client: 'web-1', rule: 'disk' }), [4, 1]);
    assert.deepEqual(await ids({ client: 'web-1', openOnly: true }), [4, 2]);
    assert.deepEqual(await ids({ client: 'unknown' }), []);
  });

  it('runs and clients', async ({ storage, reports }) => {
    const one = runStart({ startedAtMs: noonMs });
    const two = runStart({ startedAtMs: noonMs + minuteMs, scope: 'filtered' });
    await reports.endRun(one, runEnd(one));
    await reports.startRun(two);
    await reports.startRun(runStart({ program: 'alert' }));
    await reports.saveVisits([visit({ client: 'b' })]);
    await reports.ingest([item({ client: 'a', receivedAtMs: noonMs + 5 })]);
    const runs = await storage.fleet.runs('collect', noonMs);
    const found = pluckAll(runs, 'id', 'scope', 'outcome').map(String);
    assert.deepEqual(found, [`${two.id},filtered,running`, `${one.id},full,finished`]);
    assert.deepEqual(runs[1], {
      id: one.id,
      program: 'collect',
      collectorId: 'collector-1',
      host: 'mon-1',
      scope: 'full',
      configDigest: one.configDigest,
      outcome: 'finished',
      startedAtMs: noonMs,
      finishedAtMs: noonMs + 5000,
      clients: 3,
      succeeded: 2,
      failed: 1,
      ...notLooked,
    });
    assert.equal((await storage.fleet.runs('collect', noonMs + 1)).length, 1);
    assert.deepEqual(await storage.fleet.seenClients(), [
      { name: 'a', firstSeenMs: noonMs + 5, lastVisitAtMs: null, lastReportAtMs: noonMs },
      { name: 'b', firstSeenMs: noonMs, lastVisitAtMs: noonMs, lastReportAtMs: null },
    ]);
  });

  it("a collector's last full run, however old", async ({ storage, reports }) => {
    const old = runStart({ startedAtMs: noonMs - 100 * dayMs, host: 'mon-2' });
    await reports.endRun(old, runEnd(old));
    for (const over of [
      { startedAtMs: noonMs - 101 * dayMs },
      { startedAtMs: noonMs, scope: 'filtered' },
      { startedAtMs: noonMs, collectorId: 'another' },
    ] as const) {
      const start = runStart(over);
      await reports.endRun(start, runEnd(start));
    }
    const beside = runStart({ startedAtMs: noonMs });
    await reports.endRun(beside, runEnd(beside, { outcome: 'overlapped' }));
    const run = await storage.fleet.lastRunOf('collector-1');
    assert.deepEqual(
      { id: run?.id, host: run?.host, program: run?.program, outcome: run?.outcome },
      { id: old.id, host: 'mon-2', program: 'collect', outcome: 'finished' },
    );
    assert.equal(run?.finishedAtMs, noonMs - 100 * dayMs + 5000);
    assert.equal(await storage.fleet.lastRunOf('COLLECTOR-1'), null);
  });

  it('a series is of one client, column and mount, oldest first, unknown values among them', async (opened) => {
    const { storage, reports } = opened;
    const at = (minutes: number, used_percent: number | null, client = 'web-1') => {
      const others = [
        { mount: '/', used_percent: 1 },
        { mount: '/Data', used_percent: 2 },
      ] as const;
      const workers = [worker('cpu', { used_percent }), worker('disk', ...others, { mount: '/data', used_percent })];
      return item({ client, observedAtMs: noonMs + minutes * minuteMs, workers });
    };
    await reports.ingest([at(10, 30), at(5, null), at(0, 10), at(-1, 5), at(1, 99, 'web-2')]);
    const expected = [
      { atMs: noonMs, value: 10 },
      { atMs: noonMs + 5 * minuteMs, value: null },
      { atMs: noonMs + 10 * minuteMs, value: 30 },
    ];
    assert.deepEqual(await storage.notifications.series('web-1', 'cpu_percent', null, noonMs), expected);
    assert.deepEqual(await storage.notifications.series('web-1', 'used_percent', '/data', noonMs), expected);
    assert.deepEqual(await storage.notifications.series('web-1', 'used_percent', null, noonMs), []);
    assert.deepEqual(await storage.notifications.series('web-1', 'inodes_percent', '/nowhere', noonMs), []);
  });

  it('replay goes through treated and unprocessed rows in time order, each once, whatever the page', async (opened) => {
    const { storage, reports } = opened;
    await reports.ingest(times(30, (index) => item({ observedAtMs: noonMs + Math.floor(index / 4) * 1000 })));
    const visitAt = (index: number) =>
      visit({ runId: randomUUID(), startedAtMs: noonMs + Math.floor(index / 9) * 3000 });
    await reports.saveVisits(times(25, visitAt));
    await reports.ingest([item({ observedAtMs: noonMs - 1 })]);
    const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
    const { reports: first } = await storage.evaluation.unprocessed(5);
    await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: [], statIds: first.map(({ id }) => id) });
    for (const limit of [1, 2, 3, 7, 100]) {
      const seen: string[] = [];
      let newest = 0;
      let place: RowPlace | null = null;
      for (;;) {
        const page = await storage.alertHistory.replay(noonMs, place, limit);
        const times = [
          ...page.reports.map((row) => ({ atMs: row.observedAtMs, name: `r${row.id}` })),
          ...page.visits.map((row) => ({ atMs: row.startedAtMs, name: `v${row.id}` })),
        ].sort((a, b) => a.atMs - b.atMs);
        for (const { atMs, name } of times) {
          assert.ok(atMs >= newest, `${name} is behind`);
          newest = atMs;
          seen.push(name);
        }
        place = page.next;
        if (place === null) break;
      }
      assert.equal(seen.length, 55, `${limit} a page`);
      assert.equal(new Set(seen).size, 55);
    }
  });
});

/** Stores five alerts, each with a mail, of which the last one waits, and a silence that is over. */
async function storeFiveAlerts(storage: Storage, lease: Lease): Promise<void> {
  const ended = (days: number, closedOut: boolean, subject: string) =>
    alert({ state: 'resolved', resolvedAtMs: noonMs - days * dayMs, closedReason: 'recovered', closedOut, subject });
  const samples = [
    ended(40, true, 'old'),
    ended(40, false, 'not settled'),
    ended(29, true, 'young'),
    alert({ subject: 'open', firingSinceMs: noonMs - 50 * dayMs }),
    ended(40, true, 'waiting'),
  ];
  await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: samples });
  const mails = [1, 2, 3, 4, 5].map((alertId) =>
    mail({ messageId: `<${alertId}>`, notifications: [stored({ alertId })], replaces: [] }),
  );
  const everybody = [1, 2, 3, 4, 5].map((alertId) => lastNotified({ alertId }));
  await storage.notifications.saveNotifications(lease, { mails, notified: everybody, closedOut: [] });
  for (const id of [1, 2, 3, 4]) {
    await storage.outbox.claimMail(id, 'one', minuteMs);
    await (id === 2 ? storage.outbox.markFailed(id, 'one', 'x') : storage.outbox.markSent(id, 'one'));
  }
  await storage.operator.addSilence({
    client: '*',
    rule: '*',
    subject: '*',
    startsAtMs: noonMs - 50 * dayMs,
    endsAtMs: noonMs - 40 * dayMs,
    author: 'ann',
    comment: '',
  });
}

onEachDatabase('what is pruned of alerts', ({ it }) => {
  const limits = { nowMs: noonMs, rawMs: 30 * dayMs, detailMs: 2 * dayMs, hourlyMs: null, dailyMs: null };
  const never = new AbortController().signal;

  it('goes once it is settled and old, and never while it is open or its mail waits', async (opened) => {
    const { database } = opened;
    const clock = { nowMs: noonMs - 40 * dayMs };
    const storage = storageOn(atTime(database, () => clock.nowMs));
    const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
    await storeFiveAlerts(storage, lease);
    const left = async (sql: string): Promise<readonly unknown[]> =>
      (await storage.history.query(sql)).map((row) => Object.values(row)[0]);
    await database.write(async (session) => {
      await session.run("INSERT INTO mail_replies (mail_id, message) VALUES (1, 'of one'), (5, 'of five')", []);
      await session.run(
        `INSERT INTO mails (recipient, message_id, content, created_at, replaced_by)
         VALUES ('a', '<replaced>', '', '2026-01-01 00:00:00.000', 5)`,
        [],
      );
    });
    await storage.retention.prune(limits, never);
    assert.deepEqual(await left('SELECT message FROM mail_replies'), ['of five']);
    assert.deepEqual(await left('SELECT subject FROM alerts ORDER BY id'), ['not settled', 'young', 'open', 'waiting']);
    assert.deepEqual(await left('SELECT alert_id FROM last_notified ORDER BY alert_id'), [2, 3, 4, 5]);
    assert.deepEqual(await left('SELECT message_id FROM mails'), ['<5>']);
    assert.deepEqual(await left('SELECT alert_id FROM notifications'), [5]);
    assert.deepEqual(await left('SELECT id FROM silences'), []);
    assert.equal((await storage.notifications.state(noonMs)).waiting[0]?.items.length, 1);
    await storage.outbox.claimMail(5, 'one', minuteMs);
    await storage.outbox.markSent(5, 'one');
    await storage.retention.prune(limits, never);
    assert.deepEqual(await left('SELECT subject FROM alerts ORDER BY id'), ['not settled', 'young', 'open']);
    assert.deepEqual(await left('SELECT message_id FROM mails'), []);
  });

  it('mails of the retention stay', async ({ database, retention, history }) => {
    const storage = storageOn(atTime(database, () => noonMs - 29 * dayMs));
    const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
    await storage.notifications.saveNotifications(lease, { mails: [mail()], notified: [], closedOut: [] });
    await storage.outbox.claimMail(1, 'one', minuteMs);
    await storage.outbox.markSent(1, 'one');
    await retention.prune(limits, never);
    assert.equal((await history.query('SELECT id FROM mails')).length, 1);
    assert.equal((await history.query('SELECT id FROM notifications')).length, 1);
  });
});
