import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { Database } from '../../../src/storage/sql/database.ts';
import { prune } from '../../../src/storage/retention/prune.ts';
import { runs, subjectRemover } from '../../../src/storage/retention/prune-subjects.ts';
import { markProcessed } from '../../../src/storage/alerts/evaluation.ts';
import { type Opened, onEachDatabase } from '../support/databases.ts';
import { item, noonMs, runEnd, runStart, visit } from '../support/samples.ts';
import { unprocessedIds } from '../support/unprocessed-ids.ts';

const dayMs = 86_400_000;
const limits = { nowMs: noonMs, rawMs: 30 * dayMs, detailMs: 2 * dayMs, hourlyMs: null, dailyMs: null };
const never = new AbortController().signal;
const nothing = { stats: 0, reports: 0, visits: 0, runs: 0, hourly: 0, daily: 0, freedBytes: 0, more: false };

onEachDatabase('prune', ({ it }) => {
  it('whole reports go first, rows later, each with what hangs on it', async (opened) => {
    await storeDaysAgo(opened, [40, 31, 29, 3, 1, 0]);
    const pruned = await opened.storage.retention.prune(limits, never);
    assert.deepEqual(pruned, { ...nothing, stats: 2, reports: 4 });
    assert.deepEqual(await counts(opened), { stats: 4, reports: 2, disk_stats: 12, network_stats: 4 });
    assert.deepEqual(await opened.storage.retention.prune(limits, never), nothing);
  });

  it('visits are added to their day before they go, each once, and both names of a client add up', async (opened) => {
    const { storage } = opened;
    const { retention } = storage;
    const at = (days: number, hours = 0): number => noonMs - days * dayMs + hours * 3_600_000;
    const visits = [at(100), at(100, 1), at(100, 11), at(100, 20), at(99), at(10)].map((startedAtMs, index) =>
      visit({
        startedAtMs,
        runId: `run-${index}`,
        client: index === 4 ? 'old-1' : 'web-1',
        ok: index !== 1,
        bytesIn: 5,
      }),
    );
    await storage.reports.saveVisits(visits);
    const kept = { ...limits, visitsMs: 90 * dayMs, dailyMs: 1825 * dayMs };
    assert.equal((await retention.countPrunable(kept)).visits, 5);
    const pruned = await Promise.all([retention.prune(kept, never), retention.prune(kept, never)]);
    assert.equal(pruned[0].visits + pruned[1].visits, 5);
    await storage.reports.saveVisits([visit({ startedAtMs: at(99, 2), runId: 'late', ok: true })]);
    await retention.prune(kept, never);
    const days = async () =>
      (await storage.history.query('SELECT client, visits, ok, bytes_in FROM visits_daily ORDER BY client, day')).map(
        ({ client, visits: all, ok, bytes_in: bytes }) => [client, Number(all), Number(ok), Number(bytes)],
      );
    assert.deepEqual(await days(), [
      ['old-1', 1, 1, 5],
      ['web-1', 3, 2, 15],
      ['web-1', 2, 2, 4005],
    ]);
    const [whole] = await storage.history.query(
      "SELECT SUM(visits) AS visits FROM visits_by_day WHERE client = 'web-1'",
    );
    assert.equal(Number(whole?.['visits']), 6);
    await retention.renameClient('old-1', 'web-1');
    assert.deepEqual(await days(), [
      ['web-1', 3, 2, 15],
      ['web-1', 3, 3, 4010],
    ]);
    assert.equal((await retention.prune({ ...kept, dailyMs: 98 * dayMs }, never)).daily, 2);
    assert.deepEqual(await days(), []);
  });

  it('hours and days that do not outlast the rows are not made', async (opened) => {
    await storeDaysAgo(opened, [40, 0]);
    const startedAtMs = noonMs - 40 * dayMs;
    await opened.storage.reports.saveVisits([visit({ runId: randomUUID(), startedAtMs })]);
    const kept = { ...limits, hourlyMs: 30 * dayMs, dailyMs: 30 * dayMs };
    const pruned = await opened.storage.retention.prune(kept, never);
    assert.deepEqual(pruned, { ...nothing, stats: 1, reports: 1, visits: 1 });
    assert.deepEqual(await opened.rows('SELECT COUNT(*) FROM visits_daily'), [[0]]);
  });

  it('ended alerts, mails and silences outlast the rows', async ({ storage }) => {
    await storage.operator.addSilence({
      ...{ client: '*', rule: '*', subject: '*', author: 'a', comment: '' },
      ...{ startsAtMs: noonMs - 50 * dayMs, endsAtMs: noonMs - 40 * dayMs },
    });
    const left = async (): Promise<number> => (await storage.history.query('SELECT id FROM silences')).length;
    await storage.retention.prune({ ...limits, alertsMs: 100 * dayMs }, never);
    assert.equal(await left(), 1);
    await storage.retention.prune(limits, never);
    assert.equal(await left(), 0);
  });

  it('more than a batch goes in several', async (opened) => {
    const items = Array.from({ length: 1201 }, (_, index) => item({ observedAtMs: noonMs - 40 * dayMs + index }));
    await opened.storage.reports.ingest([...items, item()]);
    const pruned = await opened.storage.retention.prune(limits, never);
    assert.deepEqual(pruned, { ...nothing, freedBytes: pruned.freedBytes, stats: 1201, reports: 1201 });
    assert.deepEqual(await counts(opened), { stats: 1, reports: 1, disk_stats: 3, network_stats: 1 });
  });

  it('a batch that ends among rows of one time is followed by the rest of them', async ({ storage, database }) => {
    for (const startedAtMs of [noonMs, noonMs, noonMs, noonMs + 1000]) {
      const start = runStart({ startedAtMs });
      await storage.reports.endRun(start, runEnd(start, { finishedAtMs: startedAtMs + 500 }));
    }
    const remove = subjectRemover(database, runs, '2100-01-01 00:00:00.000');
    assert.deepEqual([await remove(2), await remove(2), await remove(2)], [2, 1, null]);
  });

  it('a slow database is asked for less at a time, down to a bound, and a quick one for more', async (opened, t) => {
    const { storage, database } = opened;
    const items = Array.from({ length: 900 }, (_, index) => item({ observedAtMs: noonMs - 40 * dayMs + index }));
    await storage.reports.ingest([...items, item()]);
    let clockMs = 0;
    let transactions = 0;
    t.mock.method(performance, 'now', () => clockMs);
    const slow: Database = {
      read: (work) => database.read(work),
      readOnly: (sql) => database.readOnly(sql),
      space: () => database.space(),
      migrate: (work) => database.migrate(work),
      close: () => database.close(),
      write: async (work) => {
        const result = await database.write(work);
        transactions += 1;
        clockMs += transactions <= 10 ? 450 : 20;
        return result;
      },
    };
    const steps: number[] = [];
    let before = 0;
    const beganAt = Date.now();
    await prune(slow, limits, never, ({ stats }) => {
      if (stats > before) steps.push(stats - before);
      before = stats;
    });
    assert.deepEqual(steps.slice(0, 4), [128, 64, 32, 16]);
    assert.ok(Math.max(...steps) > 128, steps.join(' '));
    assert.equal(before, 900);
    // Others have the database in a pause after each of the ten.
    assert.ok(Date.now() - beganAt > 10 * 80, `${Date.now() - beganAt} ms`);
  });

  it('the newest row of a client that has fallen silent stays', async (opened) => {
    await storeDaysAgo(opened, [50, 45]);
    assert.equal((await opened.storage.retention.prune(limits, never)).stats, 1);
    const [status] = await opened.storage.history.clients();
    assert.equal(status?.observedAtMs, noonMs - 45 * dayMs);
  });

  it('once an alerter has run here, nothing goes that it has not evaluated', async (opened) => {
    const { storage, database } = opened;
    await storeDaysAgo(opened, [50, 49, 48, 0]);
    const visits = [50, 49].map((days) => visit({ runId: randomUUID(), startedAtMs: noonMs - days * dayMs }));
    await storage.reports.saveVisits(visits);
    await storage.reports.startRun(runStart({ program: 'alert' }));
    assert.deepEqual(await storage.retention.prune(limits, never), nothing);
    await database.write(async (session) => {
      await markProcessed(session, 'stats', await unprocessedIds(session, 'stats', 2));
      await markProcessed(session, 'visits', await unprocessedIds(session, 'visits', 1));
    });
    const pruned = await storage.retention.prune(limits, never);
    assert.deepEqual(pruned, { ...nothing, stats: 2, reports: 2, visits: 1 });
  });

  it('a run stays while it has visits, and so does the newest one of a collector’s program', async (opened) => {
    const { rows, reports, retention } = opened;
    const ago = (days: number, options = {}): ReturnType<typeof runStart> =>
      runStart({ startedAtMs: noonMs - days * dayMs, ...options });
    const withVisit = ago(50, { id: 'with-visit' });
    const silent = ago(60, { id: 'silent', collectorId: 'collector-2' });
    const newest = ago(40, { id: 'newest' });
    const alerter = ago(58, { id: 'alerter', program: 'alert' });
    for (const run of [ago(55), ago(45), withVisit, silent, newest, alerter]) await reports.endRun(run, runEnd(run));
    const failed = ago(35, { id: 'failed', collectorId: 'collector-2' });
    await reports.endRun(failed, runEnd(failed, { outcome: 'failed' }));
    await reports.saveVisits([visit({ runId: 'with-visit', startedAtMs: noonMs - dayMs })]);
    assert.equal((await retention.prune(limits, never)).runs, 2);
    const left = await rows('SELECT id FROM runs ORDER BY started_at');
    assert.deepEqual(left.flat(), ['silent', 'alerter', 'with-visit', 'newest', 'failed']);
  });

  it('ids of inventory reports are forgotten with the raw rows, the inventory itself is not', async (opened) => {
    const { rows, reports, retention } = opened;
    await reports.ingest([item({ name: 'Inventory report', observedAtMs: noonMs - 40 * dayMs })]);
    await retention.prune(limits, never);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM inventory'), [[1]]);
    assert.deepEqual(await rows('SELECT COUNT(*) FROM inventory_reports'), [[0]]);
  });

  it('an aborted prune ends without harm', async (opened) => {
    await storeDaysAgo(opened, [50, 45]);
    assert.deepEqual(await opened.storage.retention.prune(limits, AbortSignal.abort()), { ...nothing, more: true });
  });
});

async function storeDaysAgo({ storage }: Opened, days: readonly number[]): Promise<void> {
  await storage.reports.ingest(days.map((day) => item({ observedAtMs: noonMs - day * dayMs })));
}

async function counts({ storage }: Opened): Promise<Readonly<Record<string, unknown>>> {
  const tables = ['stats', 'reports', 'disk_stats', 'network_stats'];
  const columns = tables.map((table) => `(SELECT COUNT(*) FROM ${table}) AS ${table}`);
  const [row] = await storage.history.query(`SELECT ${columns.join(', ')}`);
  return { ...row };
}
