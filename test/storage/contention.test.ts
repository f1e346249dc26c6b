import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { openDatabase } from '../../src/storage/dialects/open-database.ts';
import { storageOn } from '../../src/storage/open-storage.ts';
import { memory } from './support/alert-samples.ts';
import { onBothDatabases } from './support/databases.ts';
import { item, noonMs, runEnd, runStart, visit } from './support/samples.ts';

const dayMs = 86_400_000;
const rounds = 4;
const names = Array.from({ length: 16 }, (_, index) => `web-${index}`);

onBothDatabases('everybody at once', ({ it }) => {
  it('two collectors of the same clients, an alerter and prune at once have each row once', async (opened, t) => {
    const { config, storage } = opened;
    const open = async (program: 'collect' | 'alert') => {
      const database = await openDatabase({ storage: config, program });
      t.after(() => database.close());
      return database;
    };
    const collectors = [storageOn(await open('collect')).reports, storageOn(await open('collect')).reports];
    const alerts = storageOn(await open('alert')).alerts;
    const pruner = storageOn(await open('collect')).retention;
    const never = new AbortController().signal;
    const limits = { rawMs: 30 * dayMs, detailMs: 2 * dayMs, hourlyMs: null, dailyMs: null };
    await storage.reports.endRun(runStart({ program: 'alert' }), runEnd(runStart({ program: 'alert' })));
    let storing = collectors.length;

    // The two collectors store the clients in opposite order, which provokes deadlocks.
    const store = async (reports: (typeof collectors)[number], order: readonly string[]): Promise<void> => {
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
      storing--;
    };
    const mark = async (): Promise<void> => {
      const lease = (await alerts.takeLease('alerter', 'one')) ?? assert.fail('not free');
      for (let last = false; ; last = storing === 0) {
        const { reports, visits } = await alerts.unprocessed(100);
        await alerts.saveProcessed(lease, {
          statIds: reports.map(({ id }) => id),
          visitIds: visits.map(({ id }) => id),
          alerts: [],
          ruleStates: new Map(reports.map(({ client }) => [client, memory()])),
        });
        if (last && reports.length + visits.length === 0) return;
        await sleep(20);
      }
    };
    const prune = async (): Promise<number> => {
      let count = 0;
      while (storing > 0) {
        count += (await pruner.prune({ nowMs: noonMs, ...limits }, never)).stats;
        await sleep(20);
      }
      return count;
    };

    const [first, second] = collectors;
    assert.ok(first !== undefined && second !== undefined);
    const [, , , pruned] = await Promise.all([store(first, names), store(second, names.toReversed()), mark(), prune()]);
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
