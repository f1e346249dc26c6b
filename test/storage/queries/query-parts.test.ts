/** The parts of queries that need no database: spans, limits, orders, and reads that are not made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { hourMs, minuteMs } from '../../../src/platform/units.ts';
import { createChangeStore } from '../../../src/storage/queries/changes.ts';
import {
  countOwnSamples,
  knownSeries,
  seriesCounts,
  seriesFigures,
} from '../../../src/storage/queries/check-series.ts';
import { clientStatuses } from '../../../src/storage/queries/client-status.ts';
import { createExportStore } from '../../../src/storage/queries/figures.ts';
import { readForecasts } from '../../../src/storage/queries/forecasts.ts';
import { readInventoryParts } from '../../../src/storage/queries/inventory-parts.ts';
import { missedSamples } from '../../../src/storage/queries/missed-samples.ts';
import { inSteps, isReadByTime, restSpan, stepSpan } from '../../../src/storage/queries/read-by-time.ts';
import { rowsOfClients } from '../../../src/storage/queries/time-pages.ts';
import { visitCounts } from '../../../src/storage/queries/visit-counts.ts';
import { sqlTime } from '../../../src/storage/sql/sql-time.ts';
import type { Grid } from '../../../src/storage/store/look-store.ts';
import { pluck } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';
import { answering } from '../support/answering.ts';
import { noonMs } from '../support/samples.ts';

const at = (minutes: number): string => sqlTime(noonMs + minutes * minuteMs);
const unwatched = { signal: new AbortController().signal, onProgress: () => undefined };
/** Two and a half steps of an hour. */
const grid: Grid = { sinceMs: noonMs, stepMs: hourMs, points: 3, untilMs: noonMs + 2.5 * hourMs, sampleMs: null };

for (const [count, of, isByTime] of [
  [1, 1, false],
  [2, 6, true],
  [2, 7, false],
] as const) {
  test(`${count} of ${of} clients are read ${isByTime ? 'by time' : 'one by one'}`, async () => {
    const { database, asked } = answering(() => [{ clients: of }]);
    assert.equal(await isReadByTime(database, ['a', 'b'].slice(0, count)), isByTime);
    assert.equal(asked.length, count - 1);
  });
}

test('a step is read whole or in its sample, and ends with the grid', () => {
  const sampled = { ...grid, sampleMs: 20 * minuteMs };
  assert.deepEqual(stepSpan(grid, 1), [at(60), at(120)]);
  assert.deepEqual(stepSpan(grid, 2), [at(120), at(150)]);
  assert.deepEqual(stepSpan(sampled, 1), [at(60), at(80)]);
  assert.equal(restSpan(grid, 1), null);
  assert.deepEqual(restSpan(sampled, 0), [at(20), at(60)]);
  assert.deepEqual(restSpan(sampled, 2), [at(140), at(150)]);
  assert.equal(restSpan({ ...sampled, untilMs: noonMs + 140 * minuteMs }, 2), null);
});

test('a long read gives signals a turn after 50 ms, and not before', async (t) => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const done = inSteps(unwatched, 4);
  let turns = 0;
  const turnsAt = async (ms: number): Promise<number> => {
    nowMs = ms;
    const turn = setImmediate(() => (turns += 1));
    await done();
    clearImmediate(turn);
    return turns;
  };
  assert.deepEqual([await turnsAt(50), await turnsAt(51), await turnsAt(101), await turnsAt(102)], [0, 1, 1, 2]);
});

test('the rest of a step is read for clients without a sample, if anybody reported there', async () => {
  const sampled = { ...grid, sampleMs: 20 * minuteMs };
  const empty = answering();
  assert.deepEqual(await missedSamples(empty.session, [], sampled, 0), []);
  assert.deepEqual(await missedSamples(empty.session, ['a'], grid, 0), []);
  assert.equal(empty.asked.length, 0);
  assert.deepEqual(await missedSamples(empty.session, ['a'], sampled, 0), []);
  assert.equal(empty.asked.length, 1);
  const { session, asked } = answering(() => [{ id: 7 }]);
  assert.deepEqual(await missedSamples(session, ['a'], sampled, 0), [7]);
  assert.deepEqual(pluck(asked, 'values'), [
    [at(20), at(60)],
    ['a', at(20), at(60)],
  ]);
});

test('visits are counted by time step by step, or client by client, and of nobody else', async () => {
  const rows = [
    { client: 'a', visits: 2, succeeded: 1 },
    { client: 'b', visits: 0, succeeded: 0 },
    { client: 'nobody', visits: 9, succeeded: 9 },
  ];
  const read = async (clients: readonly string[], known: number) => {
    const { database, asked } = answering(({ sql }) => (sql.includes('FROM clients') ? [{ clients: known }] : rows));
    const counts = await visitCounts(database, { clients, grid }, unwatched);
    return { counts: [...counts], values: pluck(asked, 'values').filter((one) => one.length > 0) };
  };
  assert.deepEqual(await read(['a', 'b'], 2), {
    counts: [['a', { visits: 6, succeeded: 3 }]],
    values: [
      [at(0), at(60)],
      [at(60), at(120)],
      [at(120), at(150)],
    ],
  });
  assert.deepEqual(await read(['a', 'b'], 9), {
    counts: [['a', { visits: 4, succeeded: 2 }]],
    values: ['a', 'b'].map((client) => [client, at(0), at(150)]),
  });
  const { database } = answering(() => [{ client: 'a', visits: 1, succeeded: 0 }]);
  assert.deepEqual(
    [...(await visitCounts(database, { clients: ['a'], grid }, unwatched))],
    [['a', { visits: 1, succeeded: 0 }]],
  );
});

test('own samples of more reports than a statement takes are counted together', async () => {
  const { session, asked } = answering(() => [{ n: 3 }]);
  assert.equal(
    await countOwnSamples(
      session,
      times(1020, (id) => id),
    ),
    3 * asked.length,
  );
  assert.equal(asked.length, 2);
});

test('series are counted and known from the day on which a span begins', async () => {
  const { session, asked } = answering();
  assert.deepEqual(await seriesCounts(session, ['a'], noonMs), new Map());
  assert.deepEqual(await knownSeries(session, 'a', { sinceMs: noonMs, untilMs: noonMs + hourMs }), []);
  assert.deepEqual(pluck(asked, 'values'), [
    ['a', '2026-11-20'],
    ['a', '2026-11-20'],
  ]);
});

test('a series changes if twelve reports, spread over the span, differ in it', async () => {
  const found = [1, 2, 3].map((id) => ({ id, metric: 'm', labels: '{}', unit: 'count' }));
  const values = [
    { series_id: 1, min_value: 4, max_value: 4 },
    { series_id: 2, min_value: 4, max_value: 5 },
  ];
  const known = async (reports: readonly number[]) => {
    const left = [...reports];
    const { session, asked } = answering(({ sql }) => {
      if (sql.includes('FROM series')) return found;
      return sql.includes('FROM samples') ? values : left.splice(0, 1).map((id) => ({ id }));
    });
    const series = await knownSeries(session, 'a', { sinceMs: noonMs, untilMs: noonMs + hourMs });
    return { isVaried: pluck(series, 'isVaried'), asked };
  };
  const { isVaried, asked } = await known([5, 5, 4, ...Array<number>(20).fill(3)]);
  assert.deepEqual(isVaried, [false, true, null]);
  const reads = asked.filter(({ sql }) => sql.includes('FROM stats'));
  assert.deepEqual(
    pluck(reads, 'values'),
    times(12, (report) => ['a', at(0), at(60 - 5 * report)]),
  );
  assert.deepEqual(asked.at(-1)?.values, [5, 4, 3]);
  const none = await known([]);
  assert.deepEqual([none.isVaried, none.asked.length], [[null, null, null], 2]);
});

test('series are read of each client that has some, with each of their samples', async () => {
  const samples = [{ subject: 1, place: 1, weight: 2, mean0: 5 }];
  const { database, asked } = answering(({ sql }) => (sql.includes('FROM samples ') ? samples : []));
  const shares: number[] = [];
  const watch = { ...unwatched, onProgress: (share: number) => void shares.push(share) };
  const sampled = { ...grid, sampleMs: 20 * minuteMs };
  const series = new Map([
    ['a', [1]],
    ['b', []],
  ]);
  const figures = await seriesFigures(database, series, sampled, watch);
  assert.deepEqual(figures.of('a')[0]?.figures.get('value')?.mean, [null, 5, null]);
  assert.deepEqual(figures.of('b'), []);
  assert.deepEqual(shares, [0.5, 1]);
  assert.deepEqual(asked.at(-1)?.values, ['a', at(0), at(150), 1]);
  assert.equal(asked.filter(({ values }) => values.includes('b')).length, 0);
});

test('clients are read in pages of 250, by name', async () => {
  const names = times(251, (index) => `c${String(index).padStart(3, '0')}`);
  const { session, asked } = answering(({ values }) =>
    names
      .filter((name) => name > String(values.at(-2)))
      .slice(0, 250)
      .map((client) => ({ client, hostname: client, ok: 1 })),
  );
  assert.deepEqual(pluck(await clientStatuses(session, null), 'client'), names);
  assert.deepEqual(pluck(asked, 'values'), [
    ['', '250'],
    ['c249', '250'],
  ]);
});

test("a client's past is in its rows and visits before a time", async () => {
  const now = { last_visit_at: at(9), last_report_at: at(9), consecutive_failures: 5, next_attempt_at: at(10) };
  const row = { ...now, hostname: 'host', os: 'os', disk_mount: '/', started_at: at(2), observed_at: at(1) };
  const rows = [
    { ...row, client: 'a', ok: 0, error_message: 'refused' },
    { ...row, client: 'b', ok: 1 },
    { ...row, client: 'c', ok: null, started_at: null, hostname: 'c', os: null },
  ];
  const { session, asked } = answering(() => rows);
  const past = await clientStatuses(session, noonMs);
  assert.deepEqual(asked[0]?.values, [at(0), at(0), '', '250']);
  assert.deepEqual(pluck(past, 'consecutiveFailures'), [1, 0, 0]);
  assert.deepEqual(pluck(past, 'lastVisitAtMs'), [noonMs + 2 * minuteMs, noonMs + 2 * minuteMs, null]);
  assert.deepEqual(new Set(pluck(past, 'lastReportAtMs')), new Set([noonMs + minuteMs]));
  assert.deepEqual(new Set(pluck(past, 'nextAttemptAtMs')), new Set([null]));
  assert.deepEqual(pluck(past, 'hostname'), ['host', 'host', 'c']);
  assert.deepEqual(pluck(past, 'os'), ['os', 'os', null]);
  assert.deepEqual(pluck(past, 'diskMount'), ['/', '/', '/']);
  assert.deepEqual(pluck(past, 'errorMessage'), ['refused', null, null]);
  const [present] = await clientStatuses(session, null);
  const { lastVisitAtMs, lastReportAtMs, consecutiveFailures, nextAttemptAtMs } = present ?? assert.fail('none');
  const nineMs = noonMs + 9 * minuteMs;
  assert.deepEqual([lastVisitAtMs, lastReportAtMs, consecutiveFailures], [nineMs, nineMs, 5]);
  assert.equal(nextAttemptAtMs, noonMs + 10 * minuteMs);
});

test('forecasts come nearest first, then by client, mount and kind; of some clients each once', async () => {
  const forecast = (days_left: number, client: string, mount: string, kind: string) => ({
    ...{ days_left, client, mount, kind, days_low: 1, days_high: null, short_days: null, growth_per_day: 1 },
    ...{ since: '2026-11-20', as_of: at(0) },
  });
  const sorted = [
    forecast(1, 'b', '/', 'space'),
    forecast(2, 'a', '/a', 'inodes'),
    forecast(2, 'a', '/a', 'space'),
    forecast(2, 'a', '/b', 'inodes'),
    forecast(2, 'b', '/a', 'inodes'),
    forecast(3, 'a', '/a', 'inodes'),
  ];
  for (const rows of [sorted, [...sorted].reverse(), [3, 0, 5, 1, 4, 2].flatMap((index) => sorted[index] ?? [])]) {
    const found = await readForecasts(answering(() => rows).session, null);
    assert.deepEqual(
      found.map(({ daysLeft, client, mount, kind }) => [daysLeft, client, mount, kind]),
      sorted.map((one) => [one.days_left, one.client, one.mount, one.kind]),
    );
  }
  const { session, asked } = answering();
  await readForecasts(session, ['a', 'b', 'a']);
  await readForecasts(session, null);
  assert.deepEqual(pluck(asked, 'values'), [['a'], ['b'], []]);
});

test('changes of all clients or of some are the newest ones, oldest first', async () => {
  const change = (minutes: number, kind: string, item: string, client: string) => ({
    ...{ latest_at: at(minutes), earliest_at: at(0), kind, item, client, old_value: null, new_value: 'v' },
  });
  const sorted = [
    change(1, 'unit', 'z', 'z'),
    change(2, 'file', 'a', 'a'),
    change(2, 'file', 'a', 'b'),
    change(2, 'file', 'b', 'a'),
    change(2, 'package', 'a', 'a'),
    change(3, 'file', 'a', 'a'),
  ];
  for (const rows of [sorted, [...sorted].reverse(), [3, 0, 5, 1, 4, 2].flatMap((index) => sorted[index] ?? [])]) {
    const { database, asked } = answering(() => rows);
    const store = createChangeStore(database);
    const words = async (clients: readonly string[] | null, limit: number) =>
      (await store.changes(clients, noonMs, limit)).map(({ latestAtMs, kind, item, client }) =>
        [(latestAtMs - noonMs) / minuteMs, kind, item, client].join(' '),
      );
    const all = sorted.map((one) => [Number(one.latest_at.slice(14, 16)), one.kind, one.item, one.client].join(' '));
    assert.deepEqual(await words(null, 9), all);
    assert.deepEqual(await words(['a', 'a'], 5), all.slice(1));
    assert.deepEqual(pluck(asked, 'values'), [
      [at(0), '9'],
      [at(0), 'a', '5'],
    ]);
  }
});

test('the parts of a machine are lists, or unknown if the facts have none, are damaged or are no text', () => {
  const unknown = { memoryModules: null, diskDevices: null, networkCards: null };
  for (const facts of [null, 7, '{', '"text"', '[]', '{"memory_module":{},"disk_device":"x"}'])
    assert.deepEqual(readInventoryParts(facts), unknown);
  const facts = { memory_module: [{ slot: 'A1' }], disk_device: [{ device: 'sda' }, null, 7], network_card: [] };
  const { memoryModules, diskDevices, networkCards } = readInventoryParts(JSON.stringify(facts));
  assert.deepEqual(pluck(memoryModules ?? [], 'slot'), ['A1']);
  assert.deepEqual(pluck(diskDevices ?? [], 'device'), ['sda', null, null]);
  assert.deepEqual(networkCards, []);
});

test('rows of some clients are read an hour at a time, those of one time in the order of their ids', async () => {
  const rows = [
    [3, 1],
    [2, 2],
    [1, 1],
  ].map(([id = 0, minutes = 0]) => ({ id, observed_at: at(minutes), started_at: at(minutes) }));
  const { session, asked } = answering(({ sql }) => (sql.includes(' runs ') ? [] : rows));
  const page = await rowsOfClients(session, noonMs, ['a']);
  assert.deepEqual(
    [pluck(page.reports, 'id'), pluck(page.visits, 'id')],
    [
      [1, 3, 2],
      [1, 3, 2],
    ],
  );
  assert.deepEqual(page.next, { atMs: noonMs + hourMs, reportId: 0, visitId: 0 });
  assert.deepEqual(asked[0]?.values, ['a', at(0), at(60)]);
});

for (const [hour, hasDay, begin] of [
  [null, true, null],
  ['2026-11-18 05:00:00', false, '2026-11-18 05:00:00.000'],
  ['2026-11-18 05:00:00', true, '2026-11-19 00:00:00.000'],
  ['2026-11-18 00:00:00', true, '2026-11-18 00:00:00.000'],
] as const) {
  test(`hours from ${hour ?? 'none'} on${hasDay ? ', of a day that is kept,' : ''} are exported from ${begin}`, async () => {
    const { database, asked } = answering(({ sql }) => {
      if (sql.includes('_hourly')) return [{ hour }];
      return hasDay ? [{ kept: 1 }] : [];
    });
    const found = await createExportStore(database).hoursBegin('a', 'stats');
    assert.equal(found === null ? null : sqlTime(found), begin);
    assert.deepEqual(pluck(asked, 'values'), [['a'], ...(hour === null ? [] : [['a', '2026-11-18']])]);
  });
}

test('a page goes on at the time of the last row, and not at the beginning of its span', async () => {
  const { database, asked } = answering();
  const span = { client: 'a', table: 'stats', resolution: 'row', columns: [], subject: null } as const;
  const store = createExportStore(database);
  await store.page({ ...span, sinceMs: noonMs, untilMs: noonMs + hourMs }, null, 2);
  await store.page({ ...span, sinceMs: noonMs, untilMs: noonMs + hourMs }, [at(7), 5], 2);
  assert.deepEqual(pluck(asked, 'values'), [
    ['a', at(0), at(60), '2'],
    ['a', at(7), at(60), at(7), at(7), 5, '2'],
  ]);
});
