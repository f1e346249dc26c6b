import { forIds } from '../sql/by-ids.ts';
import type { Database, Session } from '../sql/database.ts';
import { forChunks, placeholders } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { NewestSample, Resolution } from '../store/figure-store.ts';
import { storedSeries } from '../store/look-store.ts';
import type { FleetFigures, Grid, KnownSeries, SeriesQuery, StoredSeries, Watch } from '../store/look-store.ts';
import { addRollups, type RollupsQuery } from './grid-figures.ts';
import { GridSums } from './grid-sums.ts';
import { inSteps, stepOf } from './read-by-time.ts';

/** The condition for samples of textfiles and programs: the names of the checks' figures have a blank. */
const isOwn = "k.metric NOT LIKE '% %' AND k.unit <> 'per_second'";

/** Implements NewestStore.countOwnSamples. */
export async function countOwnSamples(session: Session, statIds: readonly number[]): Promise<number> {
  const counts = await forIds('m.stat_id', statIds, (where, values) =>
    session.all(
      `SELECT COUNT(*) AS n FROM samples m JOIN series k ON k.id = m.series_id WHERE ${where} AND ${isOwn}`,
      values,
    ),
  );
  return counts.reduce((sum, { n }) => sum + Number(n), 0);
}

/** Implements NewestStore.ownSamples. */
export async function ownSamples(session: Session, statIds: readonly number[]): Promise<readonly NewestSample[]> {
  const rows = await forIds('m.stat_id', statIds, (where, values) =>
    session.all(
      `SELECT m.stat_id, k.id, k.metric, k.labels, k.unit, m.value FROM samples m JOIN series k ON k.id = m.series_id
        WHERE ${where} AND ${isOwn} ORDER BY m.stat_id, m.series_id`,
      values,
    ),
  );
  return rows.map((row) => ({
    ...storedSeries.read(row),
    statId: Number(row['stat_id']),
    value: Number(row['value']),
  }));
}

/** Implements ExportStore.series. */
export async function seriesOf(session: Session, client: string): Promise<readonly StoredSeries[]> {
  const rows = await session.all(
    `SELECT ${storedSeries.columns} FROM series WHERE client = ? ORDER BY metric, labels, last_on DESC, id DESC`,
    [client],
  );
  return rows.map(storedSeries.read);
}

/** Returns samples, or their hours or days, with client and series, for a query that names their columns. */
export function namedSamples(table: string, resolution: Resolution): string {
  if (resolution !== 'row') {
    return `(SELECT r.*, k.metric, k.labels, k.unit FROM ${table} r JOIN series k ON k.id = r.series_id) AS named`;
  }
  return `(SELECT s.client, s.observed_at, m.stat_id, m.series_id, k.metric, k.labels, k.unit, m.value
    FROM stats s JOIN ${table} m ON m.stat_id = s.id JOIN series k ON k.id = m.series_id) AS named`;
}

/** The condition for series that are shown. A counter has a second series, its rate. */
const isShown = "unit <> 'counter'";
/** The number of reports of a span that are read to find the series that change. */
const triedReports = 12;

/** Implements PlotStore.seriesCounts. */
export async function seriesCounts(
  session: Session,
  clients: readonly string[],
  sinceMs: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = await forChunks(clients, (chunk, marks) =>
    session.all(
      `SELECT client, COUNT(*) AS n FROM series WHERE client IN (${marks}) ` +
        `AND last_on >= ? AND ${isShown} GROUP BY client`,
      [...chunk, dayOf(sinceMs)],
    ),
  );
  return new Map(rows.map(({ client, n }) => [String(client), Number(n)]));
}

/** Implements PlotStore.knownSeries. */
export async function knownSeries(
  session: Session,
  client: string,
  { sinceMs, untilMs }: SeriesQuery,
): Promise<readonly KnownSeries[]> {
  const rows = await session.all(
    `SELECT ${storedSeries.columns} FROM series WHERE client = ? AND last_on >= ? AND ${isShown}
     ORDER BY metric, labels, last_on DESC, id DESC`,
    [client, dayOf(sinceMs)],
  );
  if (rows.length === 0) return [];
  const varied = await variedSeries(session, await spreadReports(session, client, { sinceMs, untilMs }));
  return rows.map((row) => ({ ...storedSeries.read(row), isVaried: varied.get(Number(row['id'])) ?? null }));
}

/** Returns ids of reports that are spread over a span. */
async function spreadReports(
  session: Session,
  client: string,
  { sinceMs, untilMs }: SeriesQuery,
): Promise<readonly number[]> {
  const ids = new Set<number>();
  for (let report = 0; report < triedReports; report += 1) {
    const beforeMs = untilMs - ((untilMs - sinceMs) * report) / triedReports;
    const [row] = await session.all(
      `SELECT id FROM stats WHERE client = ? AND observed_at >= ? AND observed_at < ?
       ORDER BY observed_at DESC, id DESC LIMIT 1`,
      [client, sqlTime(sinceMs), sqlTime(beforeMs)],
    );
    if (row === undefined) break;
    ids.add(Number(row['id']));
  }
  return [...ids];
}

/** Returns for each series whether its values differ between reports. */
async function variedSeries(session: Session, reports: readonly number[]): Promise<ReadonlyMap<number, boolean>> {
  if (reports.length === 0) return new Map();
  const rows = await session.all(
    `SELECT series_id, MIN(value) AS min_value, MAX(value) AS max_value FROM samples
     WHERE stat_id IN (${placeholders(reports.length)}) GROUP BY series_id`,
    reports,
  );
  return new Map(rows.map((row) => [Number(row['series_id']), Number(row['min_value']) < Number(row['max_value'])]));
}

/** Implements PlotStore.seriesFigures. */
export async function seriesFigures(
  database: Database,
  series: ReadonlyMap<string, readonly number[]>,
  grid: Grid,
  watch: Watch,
): Promise<FleetFigures> {
  // A check that runs rarely has samples in few reports, and one report of each step would miss them.
  const whole: Grid = { ...grid, sampleMs: null };
  const query: RollupsQuery = {
    clients: [...series.keys()],
    table: 'samples',
    columns: ['value'],
    ranges: [],
    grid: whole,
  };
  const sums = new GridSums(query);
  const stepDone = inSteps(watch, series.size);
  for (const [client, ids] of series) {
    if (ids.length > 0) {
      await database.read(async (session) => {
        await addRollups(session, sums, { ...query, only: ids }, [client]);
        await addSamples(session, sums, whole, { client, ids });
      });
    }
    await stepDone();
  }
  return sums;
}

/** Adds the samples of reports that are kept. */
async function addSamples(
  session: Session,
  sums: GridSums,
  grid: Grid,
  { client, ids }: { readonly client: string; readonly ids: readonly number[] },
): Promise<void> {
  const rows = await session.all(
    `SELECT series_id AS subject, ${stepOf(session, grid)} AS place, COUNT(*) AS weight, AVG(value) AS mean0
     FROM samples WHERE stat_id IN (SELECT id FROM stats WHERE client = ? AND observed_at >= ? AND observed_at < ?)
       AND series_id IN (${placeholders(ids.length)}) GROUP BY place, subject`,
    [client, sqlTime(grid.sinceMs), sqlTime(grid.untilMs), ...ids],
  );
  for (const row of rows) sums.addToStep(row, client, Number(row['place']));
}

function dayOf(atMs: number): string {
  return sqlTime(atMs).slice(0, 10);
}
