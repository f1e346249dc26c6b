/** Pages of rows, first reports and figures on a grid, over a database in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { hourMs, minuteMs } from '../../../src/platform/units.ts';
import { fleetFigures } from '../../../src/storage/queries/grid-figures.ts';
import { createPlotStore } from '../../../src/storage/queries/look.ts';
import { unprocessedRows } from '../../../src/storage/queries/time-pages.ts';
import type { SqlRow } from '../../../src/storage/sql/database.ts';
import { sqlTime } from '../../../src/storage/sql/sql-time.ts';
import type { RowPlace } from '../../../src/storage/store/evaluation-store.ts';
import type { FiguresQuery, Grid } from '../../../src/storage/store/look-store.ts';
import { pluck } from '../../support/pluck.ts';
import { times } from '../../support/times.ts';
import { answering } from '../support/answering.ts';
import { noonMs } from '../support/samples.ts';

const at = (minutes: number): string => sqlTime(noonMs + minutes * minuteMs);
const unwatched = { signal: new AbortController().signal, onProgress: () => undefined };

/** Rows by id and minute. */
type Rows = readonly (readonly [id: number, minute: number])[];

/** Reads a page of two rows. `later`: the rows behind the time of `after`. */
async function pageOf(
  reports: Rows,
  visits: Rows,
  after: RowPlace | null = null,
  later: { reports?: Rows; visits?: Rows } = {},
) {
  const rowsOf = (rows: Rows = []) =>
    rows.map(([id, minute]) => ({ id, observed_at: at(minute), started_at: at(minute) }));
  const { session, asked } = answering(({ sql }) => {
    const isLater = / (?:observed_at|started_at) > \?/.test(sql);
    if (sql.includes('FROM stats')) return rowsOf(isLater ? later.reports : reports);
    return sql.includes('FROM visits') ? rowsOf(isLater ? later.visits : visits) : [];
  });
  const page = await unprocessedRows(session, 2, after, ['cpu_percent']);
  const { next = null } = page as { readonly next?: RowPlace | null };
  const place = next === null ? null : [(next.atMs - noonMs) / minuteMs, next.reportId, next.visitId];
  const reads = asked.filter(({ sql }) => /FROM (?:stats|visits) /.test(sql));
  return { rows: [pluck(page.reports, 'id'), pluck(page.visits, 'id')], place, more: page.more, reads };
}

test('a page that holds all rows is the last one', async () => {
  const { rows, place, more, reads } = await pageOf([[1, 0]], [[5, 9]]);
  assert.deepEqual([rows, place, more], [[[1], [5]], null, false]);
  assert.deepEqual(pluck(reads, 'values'), [['2'], ['2']]);
});

for (const { what, reports, visits, rows, place } of [
  {
    what: 'reports',
    reports: [
      [1, 0],
      [2, 3],
    ],
    visits: [
      [5, 3],
      [6, 4],
    ],
    rows: [[1, 2], [5]],
    place: [3, 2, 5],
  },
  {
    what: 'visits',
    reports: [
      [1, 2],
      [2, 3],
    ],
    visits: [
      [5, 1],
      [6, 1],
    ],
    rows: [[], [5, 6]],
    place: [1, 0, 6],
  },
  {
    what: 'full reports alone',
    reports: [
      [1, 0],
      [2, 1],
    ],
    visits: [[5, 2]],
    rows: [[1, 2], []],
    place: [1, 2, 0],
  },
  {
    what: 'full visits alone',
    reports: [[1, 0]],
    visits: [
      [5, 1],
      [6, 2],
    ],
    rows: [[1], [5, 6]],
    place: [2, 0, 6],
  },
] as const) {
  test(`a page ends with its ${what}, at one time in both kinds`, async () => {
    const page = await pageOf(reports, visits);
    assert.deepEqual([page.rows, page.place, page.more], [rows, place, true]);
  });
}

test('a page behind a place has the rest of its time first, and reads on only if there is room', async () => {
  const after = { atMs: noonMs, reportId: 3, visitId: 4 };
  const full = await pageOf(
    [
      [5, 0],
      [6, 0],
    ],
    [],
    after,
    { visits: [[9, 7]] },
  );
  assert.deepEqual(
    [full.rows, full.place],
    [
      [[5, 6], []],
      [0, 6, 4],
    ],
  );
  assert.deepEqual(pluck(full.reads, 'values'), [
    [at(0), 3, '2'],
    [at(0), 4, '2'],
    [at(0), '2'],
  ]);
  const one = await pageOf([[5, 0]], [[7, 0]], after, { reports: [[6, 1]], visits: [] });
  assert.deepEqual(
    [one.rows, one.place],
    [
      [[5, 6], [7]],
      [1, 6, 0],
    ],
  );
  assert.deepEqual(one.reads[1]?.values, [at(0), '1']);
});

test('the first report of a client is in its rows, hours or days; of a fleet in its rows', async () => {
  const first = (rows: Readonly<Record<string, string | null>>, client: string | null = 'a') =>
    createPlotStore(
      answering(({ sql }) => [{ first: rows[/FROM (\w+)/.exec(sql)?.[1] ?? ''] ?? null }]).database,
    ).firstReportMs(client);
  const [stats, hours, days] = [at(5), '2026-11-20 09:00:00', '2026-11-20'];
  assert.equal(await first({ stats, stats_hourly: hours }), noonMs - hourMs);
  assert.equal(await first({ stats, stats_hourly: hours, stats_daily: days }), noonMs - 10 * hourMs);
  assert.equal(await first({ stats }), noonMs + 5 * minuteMs);
  assert.equal(await first({}), null);
  assert.equal(await first({ stats, stats_daily: days }, null), noonMs + 5 * minuteMs);
});

test('the visits of a client in a span are counted, and are null without any', async () => {
  const { database, asked } = answering(() => [{ client: 'a', visits: 3, succeeded: 2 }]);
  const visitCount = (client: string) => createPlotStore(database).visitCount(client, noonMs, noonMs + hourMs);
  assert.deepEqual(await visitCount('a'), { visits: 3, succeeded: 2 });
  assert.deepEqual(asked[0]?.values, ['a', at(0), at(60)]);
  assert.equal(await visitCount('b'), null);
});

/** Four hours around noon, in steps of an hour. */
const grid: Grid = {
  sinceMs: noonMs - 2 * hourMs,
  stepMs: hourMs,
  points: 4,
  untilMs: noonMs + 2 * hourMs,
  sampleMs: null,
};
const query = (more: Partial<FiguresQuery>): FiguresQuery => ({
  ...{ clients: ['a'], table: 'stats', columns: ['cpu_percent'], ranges: [], grid },
  ...more,
});

/** Returns the means of each client, over a database with these answers by a part of the query. */
async function means(asked: Partial<FiguresQuery>, rows: Readonly<Record<string, readonly SqlRow[]>>) {
  const whole = query(asked);
  const made = answering(({ sql }) => {
    const [, found = []] = Object.entries(rows).find(([part]) => sql.includes(part)) ?? [];
    return found;
  });
  const figures = await fleetFigures(made.database, whole, unwatched);
  const of = (client: string) => figures.of(client).map(({ figures }) => figures.get('cpu_percent')?.mean);
  return { means: whole.clients.map(of), asked: made.asked };
}

test('a day counts up to the first hour that is kept of its client, and whole without one', async () => {
  const hours = [{ client: 'a', place: '2026-11-20 10:00:00', mean0: 5 }];
  const days = ['a', 'b'].map((client) => ({ client, place: '2026-11-20', mean0: 9 }));
  const found = await means({ clients: ['a', 'b'] }, { stats_hourly: hours, stats_daily: days });
  assert.deepEqual(found.means, [[[9, 9, 5, null]], [[9, 9, 9, 9]]]);
  const [, hourly, daily] = found.asked;
  assert.deepEqual(hourly?.values, ['a', 'b', '2026-11-20 08:00:00', '2026-11-20 12:00:00']);
  assert.deepEqual(daily?.values, ['a', 'b', '2026-11-20', '2026-11-21']);
  const late = await means({ grid: { ...grid, sinceMs: grid.sinceMs + minuteMs } }, {});
  assert.equal(late.asked.find(({ sql }) => sql.includes('stats_hourly'))?.values[1], '2026-11-20 08:00:00');
});

test('a day whose first hour is kept adds nothing to a step that begins before it', async () => {
  const beganMs = Date.UTC(2026, 10, 20) - 30 * minuteMs;
  const { means: found } = await means(
    { grid: { ...grid, sinceMs: beganMs, untilMs: beganMs + 4 * hourMs } },
    {
      stats_hourly: [{ client: 'a', place: '2026-11-20 00:00:00', mean0: 5 }],
      stats_daily: [{ client: 'a', place: '2026-11-20', mean0: 9 }],
    },
  );
  assert.deepEqual(found, [[[5, 5, null, null]]]);
});

test('rollups are read of ten clients at a time', async () => {
  const clients = times(21, (index) => `c${index}`);
  const { asked } = await means({ clients }, { 'AS clients FROM clients': [{ clients: 21 }] });
  const sizes = asked.filter(({ sql }) => sql.includes('stats_hourly')).map(({ values }) => values.length - 2);
  assert.deepEqual(sizes, [10, 10, 1]);
});

test('a sample of all clients asks about those that it misses, and not about those without subjects', async () => {
  const sampled = { ...grid, sampleMs: 5 * minuteMs };
  const sample = [
    { id: 1, client: 'a', subject: '/', mean0: 1 },
    { id: 2, client: 'b', subject: null, mean0: null },
  ];
  const { means: found, asked } = await means(
    { clients: ['a', 'b', 'c'], table: 'disk_stats', grid: { ...sampled, points: 1 } },
    {
      'AS clients FROM clients': [{ clients: 3 }],
      'WHERE s.observed_at': sample,
      'LIMIT 1': [{ id: 7 }],
      'MIN(id)': [{ id: 9 }],
      's.id IN': [{ id: 9, client: 'c', subject: '/', mean0: 4 }],
    },
  );
  assert.deepEqual(found, [[[1]], [], [[4]]]);
  const missed = asked.filter(({ sql }) => sql.includes('MIN(id)'));
  assert.deepEqual(pluck(missed, 'values'), [['c', at(-115), at(-60)]]);
});

test('a sample of one client asks for the steps that it misses alone', async () => {
  const { means: found, asked } = await means(
    { grid: { ...grid, sampleMs: 5 * minuteMs } },
    {
      'MIN(id)': [
        { id: 8, place: 0 },
        { id: 9, place: 2 },
      ],
      'GROUP BY place, subject': [{ subject: '', place: 0, weight: 1, mean0: 1 }],
      's.id IN': [{ id: 9, client: 'a', subject: '', mean0: 4 }],
    },
  );
  assert.deepEqual(found, [[[1, null, 4, null]]]);
  assert.deepEqual(asked.at(-1)?.values, [9]);
});
