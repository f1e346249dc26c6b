import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Row } from '../../../src/report/report.ts';
import type { FigureTable, Grid, GridFigures, PlotStore } from '../../../src/storage/store/look-store.ts';
import { onEachDatabase } from '../support/databases.ts';
import { item, noonMs, refusedVisit, runStart, visit, worker } from '../support/samples.ts';
import { pluck } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';

const unwatched = { signal: new AbortController().signal, onProgress: () => undefined };
const none: Pick<GridFigures, 'figures'> = { figures: new Map() };
const [minuteMs, hourMs, dayMs] = [60_000, 3_600_000, 86_400_000];

const cpu = (used_percent: number | null): Row => ({ used_percent, cpus: 4, interval_s: 300 });
const disk = (mount: string, used_percent: number): Row => ({ mount, scope: 'local', mode: 'rw', used_percent });
/** Returns a report with a CPU figure and the disks of a machine. */
const at = (observedAtMs: number, percent: number | null, ...disks: readonly Row[]): ReturnType<typeof item> =>
  item({ observedAtMs, workers: [worker('cpu', cpu(percent)), worker('disk', ...disks)] });

const read = async (
  plots: PlotStore,
  table: 'stats' | 'disk_stats',
  column: string,
  grid: Partial<Grid>,
): Promise<readonly GridFigures[]> => plots.gridFigures('web-1', table, [column], gridOf(grid));

/** Returns a grid of three hours from noon on, unless `more` changes it. */
function gridOf(more: Partial<Grid>): Grid {
  const grid = { sinceMs: noonMs, stepMs: hourMs, points: 3, sampleMs: null, ...more };
  return { untilMs: grid.sinceMs + grid.stepMs * grid.points, ...grid };
}

/** Returns a report with one figure of the machine, of each of two mounts, and of an interface. */
const of = (client: string, minutes: number, figure: number): ReturnType<typeof item> =>
  item({
    ...{ client, observedAtMs: noonMs + minutes * minuteMs },
    workers: [
      worker('cpu', cpu(figure)),
      worker('disk', disk('/', figure), disk('/var', figure + 1)),
      worker('network', { interface: 'eth0', rx_bytes_per_s: figure, tx_bytes_per_s: 1, link_up: 1 }),
    ],
  });

/** Returns the subjects of both clients in two hours, each with its least, mean and greatest values. */
async function rangesOf(plots: PlotStore, table: FigureTable, column: string) {
  const clients = ['web-1', 'web-2'];
  const query = { clients, table, columns: [column], ranges: [column], grid: gridOf({ points: 2 }) };
  const found = await plots.fleetFigures(query, unwatched);
  return clients.map((client) =>
    found.of(client).map(({ subject, figures }) => [subject, ...Object.values(figures.get(column) ?? {})]),
  );
}

onEachDatabase('figures on a grid', (kit) => {
  test('are the least, mean and greatest of the rows of a step, and null where none is known', async () => {
    const { reports, plots } = (await kit.open()).storage;
    await reports.ingest([
      at(noonMs - 1, 99),
      at(noonMs, 10),
      at(noonMs + 30 * minuteMs, 40),
      at(noonMs + hourMs, null),
      at(noonMs + 2 * hourMs, 7),
      at(noonMs + 3 * hourMs, 99),
    ]);
    const [{ figures } = none] = await read(plots, 'stats', 'cpu_percent', {});
    assert.deepEqual(figures.get('cpu_percent'), { min: [10, null, 7], mean: [25, null, 7], max: [40, null, 7] });
    assert.deepEqual(await read(plots, 'stats', 'cpu_percent', { sinceMs: noonMs + dayMs }), []);
  });

  test('of mounts stand by mount, in the order of their names', async () => {
    const { reports, plots } = (await kit.open()).storage;
    const later = at(noonMs + 2 * hourMs, 1, disk('/', 30), disk('/new', 5));
    await reports.ingest([at(noonMs, 1, disk('/var', 50), disk('/', 20)), later]);
    const found = await read(plots, 'disk_stats', 'used_percent', {});
    const means = found.map(({ figures }) => figures.get('used_percent')?.mean);
    assert.deepEqual(pluck(found, 'subject'), ['/', '/new', '/var']);
    assert.deepEqual(means, [
      [20, null, 30],
      [null, null, 5],
      [50, null, null],
    ]);
  });

  test('are those of a sample of each step if so many rows are too many', async () => {
    const { reports, plots } = (await kit.open()).storage;
    await reports.ingest([at(noonMs + minuteMs, 10), at(noonMs + 20 * minuteMs, 90), at(noonMs + hourMs, 50)]);
    const [{ figures } = none] = await read(plots, 'stats', 'cpu_percent', { sampleMs: 5 * minuteMs });
    assert.deepEqual(figures.get('cpu_percent')?.max, [10, 50, null]);
  });

  for (const { read: way, clients } of [
    { read: 'client by client', clients: ['web-1'] },
    { read: 'by time', clients: ['web-1', 'web-2'] },
  ] as const) {
    for (const { name, table, column, expected } of [
      { name: 'CPU', table: 'stats', column: 'cpu_percent', expected: [10, 70, null] },
      { name: 'a mount', table: 'disk_stats', column: 'used_percent', expected: [20, 40, null] },
    ] as const) {
      test(`of ${name}, sampled ${way}, have no gap where the visit of the sample failed`, async () => {
        const { reports, plots } = (await kit.open()).storage;
        const other = (observedAtMs: number): ReturnType<typeof item> => item({ client: 'web-2', observedAtMs });
        await reports.ingest([
          at(noonMs + minuteMs, 10, disk('/', 20)),
          at(noonMs + 20 * minuteMs, 90, disk('/', 90)),
          at(noonMs + hourMs + 20 * minuteMs, 70, disk('/', 40)),
          at(noonMs + hourMs + 40 * minuteMs, 90, disk('/', 90)),
          ...[0, 20, 60, 80, 120, 140].map((minutes) => other(noonMs + minutes * minuteMs)),
        ]);
        const query = { clients, table, columns: [column], ranges: [], grid: gridOf({ sampleMs: 5 * minuteMs }) };
        const [{ figures } = none] = (await plots.fleetFigures(query, unwatched)).of('web-1');
        assert.deepEqual(figures.get(column)?.mean, expected);
      });
    }
  }

  test('of many clients are read by time: each row of a step, by mount and by interface', async () => {
    const { reports, plots } = (await kit.open()).storage;
    await reports.ingest([of('web-1', 0, 10), of('web-1', 59, 30), of('web-2', 5, 70), of('web-1', 60, 50)]);
    const figuresOf = (table: FigureTable, column: string) => rangesOf(plots, table, column);
    const own = [
      [10, 50],
      [20, 50],
      [30, 50],
    ];
    const other = times(3, () => [70, null]);
    assert.deepEqual(await figuresOf('stats', 'cpu_percent'), [[['', ...own]], [['', ...other]]]);
    assert.deepEqual(await figuresOf('network_stats', 'rx_bytes_per_s'), [[['eth0', ...own]], [['eth0', ...other]]]);
    const more = (steps: readonly (readonly (number | null)[])[]) =>
      steps.map((step) => step.map((one) => one && one + 1));
    assert.deepEqual(await figuresOf('disk_stats', 'used_percent'), [
      [
        ['/', ...own],
        ['/var', ...more(own)],
      ],
      [
        ['/', ...other],
        ['/var', ...more(other)],
      ],
    ]);
  });

  test('are whole whether rows are there, or are hours or days by now', async () => {
    const { reports, retention, plots } = (await kit.open()).storage;
    // Midnight, UTC: each step is a whole day.
    const first = noonMs - 10 * hourMs - 10 * dayMs;
    const dayAfter = [at(first + dayMs, 60), at(first + dayMs + minuteMs, 20)];
    const late = at(first + 5 * hourMs, 80);
    const disks = [disk('/', 20), disk('/var', 40)];
    await reports.ingest([at(first, 10, ...disks), at(first + hourMs / 2, 30), late, ...dayAfter, at(noonMs, 80)]);
    const grid = { sinceMs: first, stepMs: dayMs, points: 12 };
    const whole = await read(plots, 'stats', 'cpu_percent', grid);
    const mounts = await read(plots, 'disk_stats', 'used_percent', grid);
    assert.deepEqual(pluck(mounts, 'subject'), ['/', '/var']);
    const keep = { rawMs: 5 * dayMs, detailMs: dayMs, hourlyMs: 30 * dayMs, dailyMs: 90 * dayMs };
    const limits = { nowMs: noonMs + minuteMs, ...keep };
    const signal = AbortSignal.timeout(60_000);
    assert.equal((await retention.prune(limits, signal)).stats, 5);
    assert.deepEqual(await read(plots, 'stats', 'cpu_percent', grid), whole);
    assert.deepEqual(await read(plots, 'disk_stats', 'used_percent', grid), mounts);
    // Steps shorter than an hour have the figure of their hour.
    const halves = { sinceMs: first, stepMs: hourMs / 2 };
    const [{ figures } = none] = await read(plots, 'stats', 'cpu_percent', halves);
    assert.deepEqual(figures.get('cpu_percent')?.mean, [20, 20, null]);
    await retention.prune({ ...limits, hourlyMs: 8 * dayMs }, signal);
    assert.deepEqual(await read(plots, 'stats', 'cpu_percent', grid), whole);
  });
});

onEachDatabase('what a report reads beside figures', (kit) => {
  test('visits of a span are counted, good ones too', async () => {
    const { reports, plots } = (await kit.open()).storage;
    await reports.saveVisits([
      visit({ runId: 'run-0', startedAtMs: noonMs - 1 }),
      visit({ startedAtMs: noonMs }),
      visit({ ...refusedVisit, runId: 'run-2', startedAtMs: noonMs + minuteMs }),
      visit({ runId: 'run-3', startedAtMs: noonMs + hourMs }),
    ]);
    const query = { clients: ['web-1', 'web-2'], grid: gridOf({ points: 1 }) };
    const counts = await plots.visitCounts(query, unwatched);
    assert.deepEqual([...counts], [['web-1', { visits: 2, succeeded: 1 }]]);
  });

  test('runs of a span, and the last one before it', async () => {
    const { reports, records } = (await kit.open()).storage;
    for (const [id, startedAtMs] of [
      ['one', noonMs - 2 * hourMs],
      ['two', noonMs - hourMs],
      ['three', noonMs],
    ] as const) {
      await reports.startRun(runStart({ id, startedAtMs }));
    }
    const starts = async (sinceMs: number): Promise<readonly number[]> =>
      (await records.runsBetween('collect', sinceMs, noonMs + hourMs)).map(({ startedAtMs }) => startedAtMs);
    assert.deepEqual(await starts(noonMs - minuteMs), [noonMs - hourMs, noonMs]);
    assert.deepEqual(await starts(noonMs - dayMs), [noonMs - 2 * hourMs, noonMs - hourMs, noonMs]);
  });
});
