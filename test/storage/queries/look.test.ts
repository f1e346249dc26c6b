import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openStorage } from '../../../src/storage/open-storage.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item, noonMs, runEnd, runStart, visit, worker } from '../support/samples.ts';

const hourMs = 3_600_000;

onEachDatabase('reading for pages', (kit) => {
  test('lines of some clients: means by step, CPUs and visits, and of others nothing', async () => {
    const { reports, plots } = (await kit.open()).storage;
    const start = runStart();
    await reports.startRun(start);
    const cpu = (client: string, observedAtMs: number, used_percent: number): ReturnType<typeof item> =>
      item({ client, observedAtMs, workers: [worker('cpu', { used_percent, cpus: 4, interval_s: 300 })] });
    await reports.ingest([cpu('a', noonMs, 10), cpu('a', noonMs + 600_000, 30), cpu('a', noonMs + hourMs, 50)]);
    await reports.ingest([cpu('b', noonMs, 70), cpu('a', noonMs - 1, 99), cpu('a', noonMs + 2 * hourMs, 99)]);
    await reports.saveVisits([visit({ runId: start.id, client: 'a', startedAtMs: noonMs })]);
    const other = runStart({ id: '22222222-2222-4222-8222-222222222222' });
    await reports.startRun(other);
    await reports.saveVisits([visit({ runId: other.id, client: 'a', startedAtMs: noonMs + hourMs, ok: false })]);
    for (const startedAtMs of [noonMs - hourMs - 1, noonMs + 2 * hourMs])
      await reports.saveVisits([visit({ runId: `at ${startedAtMs}`, client: 'a', startedAtMs })]);
    const grid = { sinceMs: noonMs, stepMs: hourMs, points: 2, untilMs: noonMs + 2 * hourMs, sampleMs: null };
    const day = { sinceMs: noonMs - hourMs, pieceMs: hourMs, pieces: 3 };
    const lines = await plots.fleetLines(['a', 'c'], grid, day);
    assert.deepEqual([...lines.keys()], ['a', 'c']);
    assert.deepEqual(lines.get('a'), {
      cpu: [20, 50],
      pieces: [null, { visits: 1, succeeded: 1 }, { visits: 1, succeeded: 0 }],
      ...{ visits: 2, succeeded: 1 },
    });
    assert.deepEqual(lines.get('c'), { cpu: [null, null], pieces: [null, null, null], visits: 0, succeeded: 0 });
    const sampled = await plots.fleetLines(['a'], { ...grid, sampleMs: 300_000 }, day);
    assert.deepEqual(sampled.get('a')?.cpu, [10, 50]);
    assert.deepEqual(await plots.fleetLines([], grid, day), new Map());
  });

  test('the newest runs of all programs, and alerts by id and by client', async () => {
    const { reports, records } = (await kit.open()).storage;
    const starts = (['collect', 'alert', 'ingest', 'collect'] as const).map((program, index) =>
      runStart({ id: `${index}`.repeat(8) + '-0000-4000-8000-000000000000', program, startedAtMs: noonMs + index }),
    );
    for (const start of starts) await reports.startRun(start);
    await reports.endRun(starts[0] ?? runStart(), runEnd(starts[0] ?? runStart()));
    const newest = await records.newestRuns(3);
    assert.deepEqual(
      newest.map(({ program, outcome }) => [program, outcome]),
      [
        ['collect', 'running'],
        ['ingest', 'running'],
        ['alert', 'running'],
      ],
    );
    assert.equal(await records.alert(1), null);
    assert.deepEqual(await records.alertsOfClient('a', noonMs, noonMs + hourMs, 10), []);
  });

  test('a session for looking cannot write', async () => {
    const { config, storage } = await kit.open();
    await storage.reports.startRun(runStart());
    const looking = await openStorage({ storage: config, migrate: false, program: 'look' });
    try {
      assert.equal((await looking.records.newestRuns(5)).length, 1);
      await assert.rejects(looking.reports.startRun(runStart({ id: '33333333-3333-4333-8333-333333333333' })));
      assert.equal((await looking.records.newestRuns(5)).length, 1);
    } finally {
      await looking.close();
    }
  });
});
