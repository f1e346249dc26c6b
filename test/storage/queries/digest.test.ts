import assert from 'node:assert/strict';

import { hourMs } from '../../../src/platform/units.ts';
import type { Row } from '../../../src/report/report.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { alert } from '../support/alert-samples.ts';
import { onEachDatabase } from '../support/databases.ts';
import { check, item, noonMs, runEnd, runStart, visit, worker } from '../support/samples.ts';

const at = (hours: number): number => noonMs + hours * hourMs;

async function storeAlerts({ evaluation, leases }: Storage, alerts: readonly Alert[]): Promise<void> {
  const lease = await leases.takeLease('alerter', 'a test');
  assert.ok(lease);
  await evaluation.saveProcessed(lease, { statIds: [], visitIds: [], alerts, ruleStates: new Map() });
}

function ended(client: string, hours: number, over: Partial<Alert> = {}): Alert {
  return alert({ client, state: 'resolved', resolvedAtMs: at(hours), closedReason: 'recovered', ...over });
}

/** Returns an inventory report of a client. */
function inventory(client: string, hours: number, kernel: string, disks: readonly Row[] = []) {
  const workers = [
    worker('system', { memory_bytes: 32 * 2 ** 30 }),
    worker('os_release', { distribution: 'Debian', release: '12', kernel }),
    worker('disk_device', ...disks),
  ];
  return item({ client, name: 'Inventory report', observedAtMs: at(hours), workers });
}

onEachDatabase('what digests sum up', (kit) => {
  kit.it('the spans of made digests, in the order in which they were made', async ({ storage }) => {
    const lease = await storage.leases.takeLease('alerter', 'a test');
    assert.ok(lease);
    const mailed = (messageId: string, toMs: number | null) => ({
      ...{ recipient: 'ops@example.org', messageId, content: '', severity: 'warning' as const, ordinary: false },
      digest: toMs === null ? null : { name: 'daily', fromMs: at(0), seenToMs: at(1), seenAgainMs: at(2), toMs },
      ...{ notifications: [], replaces: [] },
    });
    const mails = [mailed('<late@x>', at(48)), mailed('<no digest@x>', null), mailed('<early@x>', at(24))];
    for (const mail of [...mails, mailed('<long ago@x>', at(3))])
      await storage.notifications.saveNotifications(lease, { mails: [mail], notified: [], closedOut: [] });
    const made = await storage.digest.madeDigests(at(4));
    assert.deepEqual(
      made.map(({ digestToMs }) => digestToMs),
      [at(48), at(24)],
    );
    const { createdAtMs, ...last } = made[1] ?? { createdAtMs: 0 };
    assert.ok(createdAtMs > 0);
    const seen = { digestSeenToMs: at(1), digestSeenAgainMs: at(2) };
    const name = { recipient: 'ops@example.org', digest: 'daily' };
    assert.deepEqual(last, { ...name, ...seen, digestFromMs: at(0), digestToMs: at(24) });
  });

  kit.it('the times of runs of all programs, oldest first', async ({ storage }) => {
    for (const [id, program, hours] of [
      ['b', 'collect', 2],
      ['a', 'alert', 1],
      ['c', 'alert', 9],
    ] as const)
      await storage.reports.startRun(runStart({ id, program, startedAtMs: at(hours) }));
    const times = await storage.digest.runTimes(at(1), at(9));
    assert.deepEqual(times, [
      { program: 'alert', startedAtMs: at(1), finishedAtMs: null },
      { program: 'collect', startedAtMs: at(2), finishedAtMs: null },
    ]);
  });

  kit.it('alerts that fire or ended in the span, the pending ones left out', async ({ storage }) => {
    await storeAlerts(storage, [
      alert({ client: 'fires' }),
      alert({ client: 'pending', state: 'pending', firingSinceMs: null }),
      ended('before', 1),
      ended('within', 3),
      ended('unconfirmed', 3, { firingSinceMs: null, closedReason: 'unconfirmed' }),
      ended('after', 9),
    ]);
    const spans = await storage.digest.alertSpans(at(2), at(8), 100);
    assert.deepEqual(spans.map(({ client }) => client).sort(), ['fires', 'within']);
    const [within] = spans.filter(({ client }) => client === 'within');
    assert.deepEqual(within, {
      about: 'client',
      client: 'within',
      rule: 'disk',
      subject: '/data',
      severity: 'critical',
      pendingSinceMs: noonMs - 300_000,
      firingSinceMs: noonMs,
      resolvedAtMs: at(3),
      closedReason: 'recovered',
    });
    assert.equal((await storage.digest.alertSpans(at(2), at(8), 1)).length, 1);
    assert.deepEqual(await storage.digest.alertSpans(at(-9), at(-8), 100), []);
  });

  kit.it('alerts that began in the span and ended after it, as a late digest finds them', async ({ storage }) => {
    await storeAlerts(storage, [
      ended('earlier', 9, { firingSinceMs: at(1) }),
      ended('began', 9, { firingSinceMs: at(2) }),
      ended('later', 9, { firingSinceMs: at(8) }),
    ]);
    const clientsOf = async (from: number, to: number): Promise<readonly string[]> =>
      (await storage.digest.alertSpans(at(from), at(to), 100)).map(({ client }) => client).sort();
    assert.deepEqual(await clientsOf(2, 8), ['began']);
    assert.deepEqual(await clientsOf(8, 10), ['began', 'earlier', 'later']);
    assert.equal((await storage.digest.alertSpans(at(0), at(9), 1)).length, 1);
  });

  kit.it('runs by program, added up', async ({ storage: { reports, digest } }) => {
    for (const { hours, start, end } of [
      { hours: 0, start: {}, end: {} },
      { hours: 1, start: { configDigest: 'd'.repeat(64) }, end: { succeeded: 3, failed: 0, maxRssBytes: 2e8 } },
      { hours: 2, start: { scope: 'filtered' }, end: {} },
      { hours: 3, start: {}, end: { outcome: 'overlapped', clients: 0, succeeded: 0, failed: 0 } },
      { hours: 4, start: {}, end: { outcome: 'interrupted' } },
      { hours: 5, start: { program: 'alert' }, end: {} },
      { hours: 20, start: {}, end: {} },
    ] as const) {
      const run = runStart({ startedAtMs: at(hours), ...start });
      await reports.startRun(run);
      await reports.endRun(run, runEnd(run, end));
    }
    for (const hours of [0.5, 9.5]) await reports.startRun(runStart({ startedAtMs: at(hours) }));
    const [collect, alerts, ...others] = await digest.runTotals(at(0), at(10));
    assert.deepEqual(others, []);
    assert.deepEqual(collect, {
      program: 'collect',
      runs: 7,
      fullRuns: 2,
      overlapped: 1,
      unfinished: 2,
      succeeded: 9,
      failed: 3,
      cpuMs: 1610,
      maxRssBytes: 200_000_000,
      configs: 2,
    });
    assert.equal(alerts?.program, 'alert');
    assert.deepEqual(await digest.runTotals(at(-9), at(-8)), []);
  });

  kit.it('inventories that changed, and no first ones', async ({ storage: { reports, digest } }) => {
    const disk = { device: 'sda', model: 'WD', serial: 'W1', size_bytes: 2 ** 40 };
    const names = ['changed', 'same', 'new', 'earlier'];
    await reports.saveVisits(names.map((client) => visit({ client })));
    await reports.ingest([
      inventory('changed', 0, '6.1.0-18', [disk]),
      inventory('same', 0, '6.1.0-18'),
      inventory('earlier', 0, '6.1.0-18'),
      inventory('earlier', 1, '6.1.0-22'),
    ]);
    await reports.ingest([inventory('changed', 3, '6.1.0-20'), inventory('same', 3, '6.1.0-18')]);
    await reports.ingest([inventory('changed', 4, '6.1.0-22'), inventory('new', 4, '6.1.0-22')]);
    await reports.ingest([inventory('changed', 9, '6.1.0-30')]);
    const changes = await digest.inventoryChanges(at(2), at(8), 10);
    assert.deepEqual(
      changes.map(({ client, before, after }) => ({
        client,
        before: { kernel: before.kernel, disks: before.disks },
        after: { kernel: after.kernel, disks: after.disks },
      })),
      [
        {
          client: 'changed',
          before: { kernel: '6.1.0-18', disks: ['WD 1 TiB serial W1'] },
          after: { kernel: '6.1.0-22', disks: [] },
        },
      ],
    );
    const [{ after } = { after: null }] = changes;
    assert.deepEqual(
      { os: after?.os, memoryBytes: after?.memoryBytes, cpus: after?.cpus, cards: after?.cards },
      { os: 'Debian 12', memoryBytes: 32 * 2 ** 30, cpus: null, cards: null },
    );
  });

  kit.it('updates and reboots of the newest report, and nothing that a client made up', async ({ storage }) => {
    const { reports, digest } = storage;
    const os = (reboot_required: number) => [worker('os', { hostname: 'h', reboot_required })];
    const updates = (output: string) => [check('updates', 0, output)];
    const names = ['both', 'done', 'none', 'odd'];
    await reports.saveVisits(names.map((client) => visit({ client })));
    await reports.ingest([
      item({
        client: 'both',
        workers: os(1),
        checks: updates('12 updates pending, 3 for security, the oldest for 9 d'),
      }),
      item({ client: 'done', workers: os(1), checks: updates('1 update pending') }),
      item({ client: 'none', workers: os(0), checks: updates('no updates pending') }),
      item({ client: 'odd', workers: os(0), checks: updates('99999999 updates pending') }),
    ]);
    await reports.ingest([
      item({ client: 'done', observedAtMs: at(1), workers: os(0), checks: updates('no updates pending') }),
    ]);
    assert.deepEqual(await digest.pendingWork(), [
      { client: 'both', rebootRequired: true, updates: 12, securityUpdates: 3 },
    ]);
  });

  kit.it('the size of the database in bytes, where that is known', async ({ storage, database }) => {
    const bytes = await storage.digest.databaseBytes();
    assert.equal(bytes, (await database.space())?.sizeBytes ?? null);
    assert.equal(bytes === null, kit.kind !== 'sqlite');
  });
});
