import type { AboutKey } from '../../../src/about/about.ts';
import { keyOfClient, keyOfFleet, keyOfGroup } from '../../../src/about/kinds.ts';
import assert from 'node:assert/strict';

import { alert, mail, stored } from '../support/alert-samples.ts';
import type { Database } from '../../../src/storage/sql/database.ts';
import type { Lease } from '../../../src/storage/store/lease-store.ts';
import { onEachDatabase, type Opened } from '../support/databases.ts';
import { check, item, noonMs, runEnd, runStart, visit, worker } from '../support/samples.ts';
import { pluck } from '../../support/pluck.ts';

const never = new AbortController().signal;
const dayMs = 86_400_000;
/** Stores two clients, `old` and `web-1`, with rows in all tables. Returns the alerter's lease. */
async function storeTwo({ storage, reports }: Opened): Promise<Lease> {
  const place = { mount: '/', fstype: 'ext4', scope: 'local', mode: 'rw' };
  const disk = worker('disk', { ...place, used_percent: 50, unresponsive: 0 });
  const checks = [check('mailq', 0, '|unsent=1')];
  for (const client of ['old', 'web-1']) {
    const start = runStart({ id: `run-${client}` });
    await reports.startRun(start);
    await reports.ingest([item({ client, observedAtMs: noonMs, workers: [disk], checks })]);
    await reports.saveVisits([visit({ client, runId: start.id })]);
    await reports.endRun(start, runEnd(start));
    await reports.saveLabels([{ name: client, labels: { site: 'ber' } }]);
  }
  const lease = await storage.leases.takeLease('alerter', 'pass-1');
  assert.ok(lease !== null);
  const some = ['old', 'web-1'].map((client) => alert({ client }));
  await storage.evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts: some, ruleStates: new Map() });
  const notified = {
    recipient: 'a',
    state: 'firing',
    severity: 'critical',
    sequence: 1,
    notifiedAtMs: noonMs,
  } as const;
  await storage.notifications.saveNotifications(lease, {
    mails: [1, 2].map((alertId) => mail({ messageId: `<${alertId}>`, notifications: [stored({ alertId })] })),
    notified: [1, 2].map((alertId) => ({ ...notified, alertId })),
    closedOut: [],
  });
  return lease;
}

/** Returns the number of rows of each table with rows of a client. */
async function countsOf(database: Database, columnsSql: string): Promise<Record<string, number>> {
  const columns = await database.read((session) => session.all(columnsSql));
  const counted: Record<string, number> = {};
  const ofClients = columns.filter(({ c }) => ['client', 'alert_id', 'stat_id'].includes(String(c)));
  for (const name of new Set(ofClients.map(({ t }) => t))) {
    const [row] = await database.read((session) => session.all(`SELECT COUNT(*) AS count FROM ${String(name)}`, []));
    counted[String(name)] = Number(row?.['count']);
  }
  return counted;
}

onEachDatabase('a client that left', ({ it, own }) => {
  it('leaves no row in any table, and the other clients keep theirs', async (opened) => {
    const { storage, retention, history } = opened;
    const lease = await storeTwo(opened);
    const counts = (): Promise<Record<string, number>> => countsOf(opened.database, own.columns);
    const before = await counts();
    assert.deepEqual([before['series'], before['samples']], [2, 2]);
    assert.equal(await retention.forgetClient('old', never), true);
    const expected = Object.fromEntries(Object.entries(before).map(([table, count]) => [table, count / 2]));
    assert.deepEqual(await counts(), expected);
    assert.deepEqual(pluck(await history.clients(), 'client'), ['web-1']);
    await assert.rejects(storage.leases.touchLease(lease), { code: 'locked' });
    assert.equal(await retention.forgetClient('old', never), false);
  });

  it('is in latest_stats, but not among the present ones once nobody has visited it for a day', async (opened) => {
    const { reports, storage, history } = opened;
    const nowMs = await storage.nowMs();
    for (const [client, agoMs] of [
      ['old', dayMs + 60_000],
      ['web-1', dayMs - 60_000],
      ['web-2', 0],
    ] as const) {
      const start = runStart({ id: `run-${client}`, startedAtMs: nowMs - agoMs });
      await reports.startRun(start);
      await reports.ingest([item({ client, observedAtMs: nowMs - agoMs })]);
      await reports.saveVisits([visit({ client, runId: start.id, startedAtMs: nowMs - agoMs })]);
    }
    const names = async (view: string): Promise<unknown> =>
      (await history.query(`SELECT client FROM ${view} ORDER BY client`)).map(({ client }) => client);
    assert.deepEqual(await names('latest_stats'), ['old', 'web-1', 'web-2']);
    assert.deepEqual(await names('present_stats'), ['web-1', 'web-2']);
  });
});

/** A group, or a service that sends events, may have the name of a collector. */
const namesakes: readonly AboutKey[] = [
  keyOfGroup('old'),
  { ...keyOfFleet('backups', 'old'), about: 'source' },
  keyOfClient('web-1', 'disk', 'old'),
];

onEachDatabase('a collector that is no more', ({ it }) => {
  it('leaves its runs to nobody and its alerts ended, and an alerter at work begins anew', async (opened) => {
    const { storage, reports, retention } = opened;
    for (const collectorId of ['old', 'new']) {
      const start = runStart({ collectorId });
      await reports.endRun(start, runEnd(start));
    }
    const lease = await storage.leases.takeLease('alerter', 'pass-1');
    assert.ok(lease !== null);
    const silent = alert({ client: '', rule: 'collector-silent', subject: 'old' });
    const some = [silent, { ...silent, subject: 'new' }, ...namesakes.map((key) => alert(key))];
    await storage.evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts: some, ruleStates: new Map() });

    assert.equal(await retention.forgetCollector('old'), true);
    const runs = await storage.fleet.runs('collect', 0);
    assert.deepEqual(runs.map(({ collectorId }) => collectorId).sort(), ['', 'new']);
    const stored = await storage.alertHistory.alertsOf({ openOnly: false, limit: 10 });
    assert.deepEqual(stored.map(({ about, subject, closedReason }) => `${about} ${subject} ${closedReason}`).sort(), [
      'client old null',
      'fleet new null',
      'fleet old forgotten',
      'group old null',
      'source old null',
    ]);
    const ended = stored.find(({ closedReason }) => closedReason === 'forgotten');
    assert.deepEqual(
      { state: ended?.state, sequence: ended?.sequence, closedOut: ended?.closedOut },
      { state: 'resolved', sequence: silent.sequence + 1, closedOut: false },
    );
    await assert.rejects(storage.leases.touchLease(lease), { code: 'locked' });
    const again = await storage.leases.takeLease('alerter', 'pass-2');
    assert.ok(again !== null);
    // A collector that runs again may reuse the name.
    const anew = { statIds: [], visitIds: [], alerts: [silent], ruleStates: new Map() };
    await storage.evaluation.saveProcessed(again, anew);

    assert.equal(await retention.forgetCollector('never there'), false);
    assert.equal(await retention.forgetCollector(''), false);
  });
});

onEachDatabase('the systems of clients', ({ it }) => {
  it('are those of their newest rows, if these have one', async ({ reports, storage }) => {
    const running = (client: string, distribution: string | null, observedAtMs: number) =>
      item({ client, observedAtMs, workers: distribution === null ? [] : [worker('os', { distribution })] });
    await reports.ingest([
      ...[running('web-1', 'Debian 12', noonMs), running('web-1', 'Debian 13', noonMs + 1000)],
      ...[running('web-2', 'Debian 12', noonMs), running('web-2', null, noonMs + 1000)],
    ]);
    assert.deepEqual(
      [...(await storage.notifications.systemsOf(['web-1', 'web-2', 'web-3']))],
      [['web-1', 'Debian 13']],
    );
  });
});

onEachDatabase('what mounts are of', ({ it }) => {
  it('is the newest source of a mount of another machine', async ({ reports, storage }) => {
    const mounted = (mount: string, source: string, scope = 'network') =>
      worker('disk', { mount, source, scope, fstype: 'nfs4', mode: 'rw', used_percent: null, unresponsive: 1 });
    await reports.ingest([
      item({ client: 'web-1', observedAtMs: noonMs, workers: [mounted('/srv', 'old:/srv')] }),
      item({ client: 'web-1', observedAtMs: noonMs + 1000, workers: [mounted('/srv', 'nas:/srv')] }),
      item({ client: 'web-2', workers: [mounted('/srv', '/dev/vdb', 'local')] }),
    ]);
    const exports = await storage.notifications.exportsOf([
      { client: 'web-1', mount: '/srv' },
      { client: 'web-1', mount: '/data' },
      { client: 'web-2', mount: '/srv' },
    ]);
    assert.deepEqual([...exports], [['web-1\0/srv', 'nas:/srv']]);
  });
});
