import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { Alert } from '../../../src/storage/store/alert.ts';
import type { ProcessedRows, RowPlace, UnprocessedBatch } from '../../../src/storage/store/evaluation-store.ts';
import type { Lease } from '../../../src/storage/store/lease-store.ts';
import type { Storage } from '../../../src/storage/store/storage.ts';
import { alert, memory } from '../support/alert-samples.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item, noonMs, runEnd, runStart, visit, worker } from '../support/samples.ts';
import { pluck, pluckAll } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';

const nothing: ProcessedRows = { statIds: [], visitIds: [], alerts: [], ruleStates: new Map() };

onEachDatabase('unprocessed rows', ({ it }) => {
  it('come oldest first by time, whatever the order in which they were stored', async ({ storage }) => {
    const at = (offsetMs: number, id: string): ReturnType<typeof item> => item({ id, observedAtMs: noonMs + offsetMs });
    await storage.reports.ingest([at(2000, 'c'), at(0, 'a')]);
    await storage.reports.ingest([at(1000, 'b'), at(2000, 'd')]);
    const { reports, more } = await storage.evaluation.unprocessed(10);
    assert.deepEqual(pluck(reports, 'reportId'), ['a', 'b', 'c', 'd']);
    assert.equal(more, false);
  });

  it('have no other figures than those that are asked for', async ({ storage }) => {
    await storage.reports.ingest([item({ id: 'one' })]);
    const { reports } = await storage.evaluation.unprocessed(10, null, ['memory_percent']);
    assert.deepEqual(
      reports.map(({ reportId, memory_percent, cpu_percent, uptime_s }) => ({
        reportId,
        memory_percent,
        cpu_percent,
        uptime_s,
      })),
      [{ reportId: 'one', memory_percent: 41.7, cpu_percent: null, uptime_s: null }],
    );
    const [all] = (await storage.evaluation.unprocessed(10)).reports;
    assert.notEqual(all?.cpu_percent, null);
  });

  it('hold what the rules need', async ({ storage }) => {
    const run = runStart();
    await storage.reports.endRun(run, runEnd(run));
    await storage.reports.ingest([item({ id: 'one' })]);
    const failure = { ok: false, stage: 'connect', code: 'dns', message: 'no such host' };
    const failed = visit({ runId: 'unknown', startedAtMs: noonMs + 1, ...failure });
    await storage.reports.saveVisits([visit({ runId: run.id }), failed]);
    const { reports, visits } = await storage.evaluation.unprocessed(10);
    const [report] = reports;
    assert.equal(report?.client, 'web-1');
    assert.equal(report.observedAtMs, noonMs);
    assert.equal(report.receivedAtMs, noonMs + 250);
    assert.equal(report.clockOffsetMs, -12);
    assert.equal(report.bootId, 'boot-1');
    assert.equal(report.memory_percent, 41.7);
    assert.equal(report.swap_percent, null);
    assert.equal(report.disk_percent, 91.5);
    assert.equal(report.reboot_required, 0);
    assert.equal(report.oom_kills, 2);
    assert.equal(report.clock_synchronised, 1);
    assert.equal(report.temperature_celsius, 61.5);
    assert.equal(report.conntrack_percent, null);
    assert.deepEqual([report.pressure_cpu_percent, report.pressure_io_percent], [1.25, 3.5]);
    const named = visits.map((row) => ({ ...row, id: 0 }));
    const success = { ok: true, stage: null, code: null, message: null };
    assert.deepEqual(named, [
      { id: 0, client: 'web-1', runId: run.id, full: true, startedAtMs: noonMs, ...success },
      { id: 0, client: 'web-1', runId: 'unknown', full: false, startedAtMs: noonMs + 1, ...failure },
    ]);
  });

  it('a visit of a filtered run is no full one', async ({ reports, storage }) => {
    const run = runStart({ scope: 'filtered' });
    await reports.startRun(run);
    await reports.saveVisits([visit({ runId: run.id })]);
    assert.equal((await storage.evaluation.unprocessed(10)).visits[0]?.full, false);
  });

  it('are cut off at one time in both kinds, so that no batch looks back behind the one before', async (opened) => {
    const { storage } = opened;
    // Visits are denser in time than reports, and some have the same time as a report.
    await storage.reports.ingest(times(20, (index) => item({ observedAtMs: noonMs + index * 3000 })));
    const visits = times(55, (index) =>
      visit({ runId: randomUUID(), startedAtMs: noonMs + Math.floor(index / 3) * 3000 }),
    );
    await storage.reports.saveVisits(visits);
    const lease = await leaseOf(storage);
    const seen: number[] = [];
    for (let more = true; more;) {
      const batch = await storage.evaluation.unprocessed(7);
      more = batch.more;
      const placed = [...pluck(batch.reports, 'observedAtMs'), ...pluck(batch.visits, 'startedAtMs')];
      placed.sort((a, b) => a - b);
      assert.ok((placed[0] ?? Infinity) >= (seen.at(-1) ?? 0), 'behind the batch before');
      assert.ok(batch.reports.length <= 7 && batch.visits.length <= 7);
      seen.push(...placed);
      const [statIds, visitIds] = [pluck(batch.reports, 'id'), pluck(batch.visits, 'id')];
      await storage.evaluation.saveProcessed(lease, { ...nothing, statIds, visitIds });
    }
    assert.equal(seen.length, 75);
  });

  it('go on behind a place, whether what stands before it is marked or not', async ({ storage }) => {
    const time = (index: number): number => noonMs + Math.floor(index / 8) * 3000;
    await storage.reports.ingest(times(30, (index) => item({ observedAtMs: time(index) })));
    await storage.reports.saveVisits(times(20, (index) => visit({ runId: randomUUID(), startedAtMs: time(index) })));
    const lease = await leaseOf(storage);
    const all = await storage.evaluation.unprocessed(100);
    assert.equal(all.next, null);
    const ids = { reports: [] as number[], visits: [] as number[] };
    let pages = 0;
    for (let next: RowPlace | null = null; pages === 0 || next !== null; pages += 1) {
      const page: UnprocessedBatch = await storage.evaluation.unprocessed(5, next);
      assert.ok(page.reports.length <= 5 && page.visits.length <= 5);
      const statIds = pluck(page.reports, 'id');
      ids.reports.push(...statIds);
      ids.visits.push(...pluck(page.visits, 'id'));
      if (pages % 2 === 0) await storage.evaluation.saveProcessed(lease, { ...nothing, statIds });
      assert.equal(page.more, page.next !== null);
      ({ next } = page);
    }
    assert.deepEqual(ids, { reports: pluck(all.reports, 'id'), visits: pluck(all.visits, 'id') });
  });

  it('disks, networks and whole reports belong to their rows', async ({ storage }) => {
    const disk = (mount: string, size: number) => worker('disk', { mount, size_bytes: size, used_percent: 12.5 });
    const at = (index: number) =>
      item({ id: `r-${index}`, observedAtMs: noonMs + index, workers: [disk(`/d${index}`, index)] });
    await storage.reports.ingest(times(40, at));
    await storage.reports.ingest([item({ id: 'last', observedAtMs: noonMs + 100 })]);
    const { reports } = await storage.evaluation.unprocessed(100);
    // The ids are one long range, single ids, and the same ids twice.
    const wanted = reports.filter((_, index) => index < 30 || index % 3 === 0).map(({ id }) => id);
    const disks = await storage.evaluation.disksOf([...wanted, ...wanted.slice(0, 3)]);
    assert.equal(disks.size, wanted.length);
    for (const [index, { id }] of reports.entries()) {
      const found = disks.get(id)?.map(({ mount }) => mount);
      assert.deepEqual(found, wanted.includes(id) ? [`/d${index}`] : undefined);
    }
    const whole = await storage.evaluation.reportsOf(wanted);
    assert.equal((await whole.get(wanted[2] ?? 0))?.report_id, 'r-2');
    const last = reports.at(-1)?.id ?? 0;
    const networks = await storage.evaluation.networksOf([last]);
    const networkFigures = networks.get(last)?.map((row) => [row.interface, row.rx_bytes_per_s]);
    assert.deepEqual(networkFigures, [['eth0', 1024.5]]);
    const mounts = (await storage.evaluation.disksOf([last])).get(last)?.map(({ mount }) => mount);
    assert.deepEqual(mounts, ['/', '/data', '/boot']);
    assert.deepEqual([...(await storage.evaluation.disksOf([]))], []);
  });
});

onEachDatabase('processed rows', ({ it }) => {
  it('marks exactly the rows it was given', async ({ storage }) => {
    await storage.reports.ingest(times(300, (index) => item({ observedAtMs: noonMs + index })));
    const { reports } = await storage.evaluation.unprocessed(1000);
    const ids = reports.filter((_, index) => index % 50 !== 7).map(({ id }) => id);
    await storage.evaluation.saveProcessed(await leaseOf(storage), { ...nothing, statIds: ids });
    const left = (await storage.evaluation.unprocessed(1000)).reports.map(({ id }) => id);
    const expected = reports.map(({ id }) => id).filter((id) => !ids.includes(id));
    assert.deepEqual(left, expected);
  });

  it('rows that were treated meanwhile undo all of it', async ({ storage }) => {
    await storage.reports.ingest([item(), item(), item()]);
    await storage.reports.saveVisits([visit()]);
    const { reports, visits } = await storage.evaluation.unprocessed(10);
    const ids = reports.map(({ id }) => id);
    const lease = await leaseOf(storage);
    await storage.evaluation.saveProcessed(lease, { ...nothing, statIds: ids.slice(1, 2) });
    const ruleStates = new Map([['web-1', memory()]]);
    const evaluated = { statIds: ids, visitIds: pluck(visits, 'id'), alerts: [alert()], ruleStates };
    await assert.rejects(storage.evaluation.saveProcessed(lease, evaluated), {
      name: 'FleetError',
      code: 'storage-failed',
    });
    assert.deepEqual(await storage.evaluation.openAlerts(null), []);
    assert.equal((await storage.evaluation.ruleStates(['web-1'])).size, 0);
    assert.equal((await storage.evaluation.unprocessed(10)).reports.length, 2);
    assert.equal((await storage.evaluation.unprocessed(10)).visits.length, 1);
  });

  it('alerts come back as they were stored', async ({ storage }) => {
    const lease = await leaseOf(storage);
    const one = alert({ valueText: 'login refused: root was refused 🐟' });
    const two = alert({
      client: '',
      rule: 'collector-silent',
      subject: 'x'.repeat(1500),
      state: 'pending',
      value: null,
      valueText: '',
      limitText: '',
      firingSinceMs: null,
      changedByRun: null,
      sequence: 0,
      flapping: true,
      past: true,
    });
    await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: [one, two] });
    const [first, second] = await storage.evaluation.openAlerts(['web-1', '', 'web-9']);
    assert.deepEqual(first, { ...one, id: first?.id });
    assert.deepEqual(second, { ...two, id: second?.id });
    assert.deepEqual(await storage.evaluation.openAlerts(['web-2']), []);
    assert.deepEqual(await storage.evaluation.openAlerts([]), []);
    assert.equal((await storage.evaluation.openAlerts(null)).length, 2);
  });

  it('an alert that ends makes room for the next of its name, in the same batch', async ({ storage }) => {
    const lease = await leaseOf(storage);
    await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: [alert()] });
    const [open] = await storage.evaluation.openAlerts(null);
    assert.ok(open !== undefined);
    const recovered = { state: 'resolved', resolvedAtMs: noonMs + 5, closedReason: 'recovered' } as const;
    const ended = { ...open, ...recovered, sequence: 2 };
    const next = alert({ firstEvidence: 'report-2', severity: 'warning' });
    const brief = alert({ ...ended, id: null, firstEvidence: 'report-1b' });
    await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: [next, brief, ended] });
    const all = await storage.alertHistory.alertsOf({ openOnly: false, limit: 10 });
    assert.deepEqual(all.map(({ firstEvidence, state }) => [firstEvidence, state]).sort(), [
      ['report-1', 'resolved'],
      ['report-1b', 'resolved'],
      ['report-2', 'firing'],
    ]);
    assert.equal((await storage.evaluation.openAlerts(null)).length, 1);
    // The storage refuses this only if the key was freed and taken again.
    await assert.rejects(storage.evaluation.saveProcessed(lease, { ...nothing, alerts: [alert()] }), {
      code: 'storage-failed',
    });
  });

  it('what people acknowledged meanwhile stays, and so does the name of a renamed client', async (opened) => {
    const { storage, reports, retention } = opened;
    await reports.saveVisits([visit()]);
    const lease = await leaseOf(storage);
    await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: [alert()] });
    const [read] = await storage.evaluation.openAlerts(null);
    assert.ok(read !== undefined);
    const fromMs = await storage.nowMs();
    assert.equal(await storage.operator.acknowledge([read.id ?? 0], 'ann', noonMs + 1, 'on it'), 1);
    const untilMs = await storage.nowMs();
    await storage.evaluation.saveProcessed(lease, {
      ...nothing,
      alerts: [{ ...read, value: 97, severity: 'warning' }],
    });
    await retention.renameClient('web-1', 'web-2');
    const again = (await storage.leases.takeLease('alerter', 'two')) ?? assert.fail('no lease');
    await storage.evaluation.saveProcessed(again, { ...nothing, alerts: [{ ...read, value: 98 }] });
    const [now] = await storage.evaluation.openAlerts(null);
    const by = { acknowledgedBy: 'ann', acknowledgedUntilMs: noonMs + 1, acknowledgedComment: 'on it' };
    const { acknowledgedAtMs = null } = now ?? {};
    assert.ok(acknowledgedAtMs !== null && acknowledgedAtMs >= fromMs && acknowledgedAtMs <= untilMs);
    const changed = { acknowledgedAtMs, acknowledgedSeverity: 'critical', client: 'web-2', value: 98 };
    assert.deepEqual(now, { ...read, ...by, ...changed });
    await assert.rejects(storage.evaluation.saveProcessed(again, { ...nothing, alerts: [alert({ client: 'web-2' })] }));
  });

  it('an acknowledgement ends when its alert gets worse, also when somebody spoke it meanwhile', async ({
    storage,
  }) => {
    const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
    const nothing = { statIds: [], visitIds: [], ruleStates: new Map<string, never>() };
    const fresh = ['/a', '/b', '/c', '/d'].map((subject) => alert({ subject, severity: 'warning' }));
    const urgent = ['/e', '/f'].map((subject) => alert({ subject }));
    await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: [...fresh, ...urgent] });
    const before = await storage.evaluation.openAlerts(null);
    await storage.operator.acknowledge([1, 2, 3, 5, 6], 'ann', noonMs, 'on it');
    const [worse, eased, same, , critical] = before;
    assert.ok(worse && eased && same && critical);
    const changed = [{ ...worse, severity: 'critical' as const }, eased, same, critical];
    await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: changed, noLongerAcknowledged: [2, 6] });
    const after = await storage.evaluation.openAlerts(null);
    const columns = ['subject', 'acknowledgedBy', 'acknowledgedUntilMs', 'acknowledgedComment'] as const;
    const acknowledgements = pluckAll(after, ...columns);
    assert.deepEqual(acknowledgements, [
      ['/a', null, null, null],
      ['/b', null, null, null],
      ['/c', 'ann', noonMs, 'on it'],
      ['/d', null, null, null],
      ['/e', 'ann', noonMs, 'on it'],
      ['/f', null, null, null],
    ]);
  });

  it('a client with an alert that begins to fire is asked for its state, once', async ({
    storage,
    reports,
    database,
    rows,
  }) => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    await reports.saveVisits(names.map((client) => visit({ client })));
    const lease = await leaseOf(storage);
    const wanted = async (alerts: readonly Partial<Alert>[]) => {
      await database.write((session) => session.run('UPDATE clients SET state_wanted_at = NULL'));
      await storage.evaluation.saveProcessed(lease, { ...nothing, alerts: alerts.map((one) => alert(one)) });
      return (await rows('SELECT name FROM clients WHERE state_wanted_at IS NOT NULL ORDER BY name')).flat();
    };
    const before = [
      { client: 'a', state: 'pending' },
      { client: 'b', state: 'pending' },
      { client: 'c' },
      { client: '' },
    ] as const;
    assert.deepEqual(await wanted(before), ['c']);
    const [a, b, c] = await storage.evaluation.openAlerts(null);
    assert.ok(a && b && c);
    const fresh = [{ client: 'd' }, { client: 'd', subject: '/' }, { client: 'e', state: 'pending' }] as const;
    assert.deepEqual(await wanted([{ ...a, state: 'firing' }, b, c, ...fresh]), ['a', 'd']);
  });

  it('ruleStates are kept by client, the newest counts', async ({ storage }) => {
    const lease = await leaseOf(storage);
    const many = new Map(times(150, (index) => [`web-${index}`, memory({ rows: index })]));
    await storage.evaluation.saveProcessed(lease, { ...nothing, ruleStates: many });
    const newer = new Map([['web-7', memory({ rows: 1000, bootId: null })]]);
    await storage.evaluation.saveProcessed(lease, { ...nothing, ruleStates: newer });
    const read = await storage.evaluation.ruleStates(['web-7', 'web-149', 'WEB-7', 'unknown']);
    assert.deepEqual([...read.keys()].sort(), ['web-149', 'web-7']);
    assert.deepEqual(read.get('web-7'), memory({ rows: 1000, bootId: null }));
    assert.deepEqual(read.get('web-149'), memory({ rows: 149 }));
  });

  it('a renamed client takes its memory along unless the new name has one, and ends a running pass', async (opened) => {
    const { storage, reports, retention } = opened;
    await reports.saveVisits(['a', 'b', 'c'].map((client) => visit({ client })));
    const lease = await leaseOf(storage);
    const ruleStates = new Map([
      ['a', memory({ rows: 1 })],
      ['b', memory({ rows: 2 })],
    ]);
    await storage.evaluation.saveProcessed(lease, { ...nothing, ruleStates });
    await retention.renameClient('a', 'new');
    await assert.rejects(storage.evaluation.saveProcessed(lease, { ...nothing, ruleStates }), { code: 'locked' });
    await retention.renameClient('b', 'new');
    const read = await storage.evaluation.ruleStates(['a', 'b', 'new']);
    const known = [...read].map(([client, { rows }]) => [client, rows]);
    assert.deepEqual(known, [['new', 1]]);
    assert.notEqual(await storage.leases.takeLease('alerter', 'next'), null);
  });
});

async function leaseOf(storage: Storage): Promise<Lease> {
  const lease = await storage.leases.takeLease('alerter', randomUUID());
  assert.ok(lease !== null);
  return lease;
}
