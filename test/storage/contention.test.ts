import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { storageOn } from '../../src/storage/open-storage.ts';
import type { Storage, ReportStore, RetentionStore } from '../../src/storage/store/storage.ts';
import { memory } from './support/alert-samples.ts';
import { onEachDatabase } from './support/databases.ts';
import { item, noonMs, runEnd, runStart, visit } from './support/samples.ts';

const dayMs = 86_400_000;
const rounds = 4;
const names = Array.from({ length: 16 }, (_, index) => `web-${index}`);

const never = new AbortController().signal;
const limits = { rawMs: 30 * dayMs, detailMs: 2 * dayMs, hourlyMs: null, dailyMs: null };

/** Stores reports of all clients, young and old, in this order. */
async function store(reports: ReportStore, order: readonly string[]): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const atMs = noonMs + round * 300_000;
    const run = runStart({ startedAtMs: atMs, id: randomUUID() });
    await reports.startRun(run);
    const young = order.map((client) => item({ client, observedAtMs: atMs, receivedAtMs: atMs }));
    const old = order.map((client) => item({ client, observedAtMs: atMs - 40 * dayMs, receivedAtMs: atMs }));
    const results = await reports.ingest([...young, ...old]);
    assert.ok(results.every(({ kind }) => kind === 'stored'));
    await reports.saveVisits(order.map((client) => visit({ client, runId: run.id, startedAtMs: atMs })));
    await reports.endRun(run, runEnd(run));
  }
}

/** Marks rows as processed until `isStoring` is false and no row is left. */
async function mark(storage: Storage, isStoring: () => boolean): Promise<void> {
  const lease = (await storage.leases.takeLease('alerter', 'one')) ?? assert.fail('not free');
  for (let last = false; ; last = !isStoring()) {
    const { reports, visits } = await storage.evaluation.unprocessed(100);
    await storage.evaluation.saveProcessed(lease, {
      statIds: reports.map(({ id }) => id),
      visitIds: visits.map(({ id }) => id),
      alerts: [],
      ruleStates: new Map(reports.map(({ client }) => [client, memory()])),
    });
    if (last && reports.length + visits.length === 0) return;
    await sleep(20);
  }
}

/** Prunes until `isStoring` is false. Returns the number of removed rows. */
async function prune(pruner: RetentionStore, isStoring: () => boolean): Promise<number> {
  let count = 0;
  while (isStoring()) {
    count += (await pruner.prune({ nowMs: noonMs, ...limits }, never)).stats;
    await sleep(20);
  }
  return count;
}

onEachDatabase('everybody at once', ({ it }) => {
  it('two collectors of the same clients, an alerter and prune at once have each row once', async (opened, t) => {
    const { config, storage } = opened;
    const open = async (program: 'collect' | 'alert') => {
      const database = await openDatabase({ storage: config, program });
      t.after(() => database.close());
      return database;
    };
    const collectors = [storageOn(await open('collect')).reports, storageOn(await open('collect')).reports];
    const alerter = storageOn(await open('alert'));
    const pruner = storageOn(await open('collect')).retention;
    await storage.reports.endRun(runStart({ program: 'alert' }), runEnd(runStart({ program: 'alert' })));
    let storing = collectors.length;
    const isStoring = (): boolean => storing > 0;
    const storeAll = async (reports: ReportStore, order: readonly string[]): Promise<void> => {
      await store(reports, order);
      storing -= 1;
    };

    // The two collectors store the clients in opposite order, which provokes deadlocks.
    const [first, second] = collectors;
    assert.ok(first !== undefined && second !== undefined);
    const [, , , pruned] = await Promise.all([
      storeAll(first, names),
      storeAll(second, names.toReversed()),
      mark(alerter, isStoring),
      prune(pruner, isStoring),
    ]);
    const later = (await pruner.prune({ nowMs: noonMs, ...limits }, never)).stats;
    const reports = 2 * rounds * names.length;
    assert.equal(pruned + later, reports, 'all that is old went, and nothing else');
    const [left] = await storage.history.query(
      `SELECT COUNT(*) AS reports, SUM(processed_at IS NULL) AS unprocessed, (SELECT COUNT(*) FROM visits) AS visits,
        (SELECT COUNT(*) FROM reports) AS whole FROM stats`,
    );
    const counts = { ...left, unprocessed: Number(left?.['unprocessed']) };
    assert.deepEqual(counts, { reports, unprocessed: 0, visits: reports, whole: reports });
  });
});
