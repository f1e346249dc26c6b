import { greatest } from '../../platform/group-by.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import { forIds } from '../sql/by-ids.ts';
import { placeholders } from '../sql/insert-rows.ts';
import type { Database, Session, SqlRow } from '../sql/database.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { FiguresQuery, FigureTable, FleetFigures, Watch } from '../store/look-store.ts';
import { GridSums, keysOf } from './grid-sums.ts';
import { missedSamples, restsOfClient } from './missed-samples.ts';
import { inSample, inSteps, isReadByTime, stepOf, stepSpan } from './read-by-time.ts';

const subjects = { stats: null, disk_stats: 'mount', network_stats: 'interface', samples: 'series_id' } as const;
/**
 * The number of clients whose hours and days are read at a time: a month of hours of mounts takes some thousand rows
 * for each client.
 */
const clientsAtATime = 10;

/**
 * Implements PlotStore.fleetFigures. Each row that is still kept counts by itself. Hours and days fill every step that
 * they touch. A day counts only before the first kept hour.
 */
export async function fleetFigures(database: Database, query: FiguresQuery, watch: Watch): Promise<FleetFigures> {
  const sums = new GridSums(query);
  const { clients, grid } = query;
  const batches = Array.from({ length: Math.ceil(clients.length / clientsAtATime) }, (_, batch) =>
    clients.slice(batch * clientsAtATime, (batch + 1) * clientsAtATime),
  );
  const isByTime = await isReadByTime(database, clients);
  const stepDone = inSteps(watch, batches.length + (isByTime ? grid.points : clients.length));
  for (const batch of batches) {
    await database.read((session) => addRollups(session, sums, query, batch));
    await stepDone();
  }
  for (let step = 0; isByTime && step < grid.points; step += 1) {
    await database.read((session) => addRowsOfStep(session, sums, query, step));
    await stepDone();
  }
  for (const client of isByTime ? [] : clients) {
    await database.read((session) => addRowsOfClient(session, sums, query, client));
    await stepDone();
  }
  return sums;
}

/** A query for rollups, also of the samples of some series. */
export interface RollupsQuery extends Omit<FiguresQuery, 'table'> {
  readonly table: FigureTable | 'samples';
  /** The subjects to read. Default: all. */
  readonly only?: readonly number[];
}

/** Adds the hours, then the days before the first hour, of some clients. */
export async function addRollups(
  session: Session,
  sums: GridSums,
  query: RollupsQuery,
  clients: readonly string[],
): Promise<void> {
  const { untilMs } = query.grid;
  const firstHours = new Map<string, number>();
  await eachRollup(session, query, clients, 'hour', untilMs, (row, client, atMs) => {
    firstHours.set(client, Math.min(firstHours.get(client) ?? Infinity, atMs));
    sums.addToSpan(row, client, atMs, hourMs);
  });
  const firstHour = (client: string): number => firstHours.get(client) ?? untilMs;
  const daysEnd = Math.ceil(greatest(clients.map(firstHour)) / dayMs) * dayMs;
  await eachRollup(session, query, clients, 'day', daysEnd, (row, client, atMs) => {
    // Hours are removed one by one, so the first day with kept hours counts only up to them.
    if (atMs < firstHour(client)) sums.addToSpan(row, client, atMs, Math.min(dayMs, firstHour(client) - atMs));
  });
}

async function eachRollup(
  session: Session,
  { table, columns, ranges, grid, only }: RollupsQuery,
  clients: readonly string[],
  span: 'hour' | 'day',
  untilMs: number,
  add: (row: Parameters<GridSums['addToSpan']>[0], client: string, atMs: number) => void,
): Promise<void> {
  const spanMs = span === 'hour' ? hourMs : dayMs;
  // Rollups hold the beginning of their hour without fractions: `2026-11-20 10:00:00`.
  const place = (atMs: number): string => sqlTime(atMs).slice(0, span === 'hour' ? 19 : 10);
  const figures = columns.flatMap((column, index) => {
    const { mean, min, max } = keysOf(index);
    const range = [`${column}_min AS ${min}`, `${column}_max AS ${max}`];
    return [`${column}_mean AS ${mean}`, ...(ranges.includes(column) ? range : [])];
  });
  const selected = [
    'client',
    `${subjects[table] ?? "''"} AS subject`,
    `${span} AS place`,
    'samples AS weight',
    ...figures,
  ];
  const chosen = only === undefined ? '' : ` AND ${subjects[table] ?? ''} IN (${placeholders(only.length)})`;
  const rows = await session.all(
    `SELECT ${selected.join(', ')} FROM ${table}_${span === 'hour' ? 'hourly' : 'daily'}
     WHERE client IN (${placeholders(clients.length)}) AND ${span} >= ? AND ${span} < ?${chosen}`,
    [...clients, place(Math.floor(grid.sinceMs / spanMs) * spanMs), place(untilMs), ...(only ?? [])],
  );
  for (const row of rows) {
    const atMs = fromSqlTime(String(row['place']).slice(0, 19).padEnd(19, ' 00:00:00')) ?? 0;
    add(row, String(row['client']), atMs);
  }
}

/** Adds the rows of all clients in a step, or one report of each client if the step is sampled. */
async function addRowsOfStep(session: Session, sums: GridSums, query: FiguresQuery, step: number): Promise<void> {
  const { table, grid } = query;
  if (grid.sampleMs !== null) return addSampleOfStep(session, sums, query, step);
  const subject = subjects[table];
  // Rows of mounts and interfaces have an index by client alone. The rows of one report are stored together.
  const from = subject === null ? 'stats t' : `stats s JOIN ${table} t ON t.stat_id = s.id`;
  const time = `${subject === null ? 't' : 's'}.observed_at`;
  const group = subject === null ? [] : [`t.${subject}`];
  const selected = ['t.client AS client', ...group.map((column) => `${column} AS subject`), 'COUNT(*) AS weight'];
  const rows = await session.all(
    `SELECT ${[...selected, ...groupedFigures(query)].join(', ')} FROM ${from} WHERE ${time} >= ? AND ${time} < ?
     GROUP BY ${['t.client', ...group].join(', ')}`,
    stepSpan(grid, step),
  );
  for (const row of rows) sums.addToStep(row, String(row['client']), step);
}

/** Adds the rows in the sample of a step, and one later report of each client without one in the sample. */
async function addSampleOfStep(session: Session, sums: GridSums, query: FiguresQuery, step: number): Promise<void> {
  const seen = new Set<string>();
  const sql = sampleSql(query);
  for (const row of await session.all(
    `${sql} WHERE s.observed_at >= ? AND s.observed_at < ?`,
    stepSpan(query.grid, step),
  )) {
    seen.add(String(row['client']));
    if (row['subject'] !== null) sums.addToStep(row, String(row['client']), step);
  }
  const missed = query.clients.filter((client) => !seen.has(client) && !sums.isKnown(client, step));
  await addMissed(session, sums, query, { clients: missed, step });
}

async function addMissed(
  session: Session,
  sums: GridSums,
  query: FiguresQuery,
  { clients, step }: { readonly clients: readonly string[]; readonly step: number },
): Promise<void> {
  const ids = await missedSamples(session, clients, query.grid, step);
  for (const row of await reportsOf(session, query, ids)) sums.addToStep(row, String(row['client']), step);
}

/** Returns one row for each subject of these reports. */
async function reportsOf(session: Session, query: FiguresQuery, ids: readonly number[]): Promise<readonly SqlRow[]> {
  const sql = sampleSql(query);
  const rows = await forIds('s.id', ids, (where, values) => session.all(`${sql} WHERE ${where}`, values));
  return rows.filter(({ subject }) => subject !== null);
}

/** Returns SQL for reports with their subjects. A report without subjects is a line whose subject is null. */
function sampleSql({ table, columns }: FiguresQuery): string {
  const subject = subjects[table];
  const source = subject === null ? 's' : 't';
  const figures = columns.map((column, index) => `${source}.${column} AS ${keysOf(index).mean}`);
  const selected = [
    's.id AS id',
    's.client AS client',
    `${subject === null ? "''" : `t.${subject}`} AS subject`,
    ...figures,
  ];
  const more = subject === null ? '' : `LEFT JOIN ${table} t ON t.stat_id = s.id`;
  return `SELECT ${selected.join(', ')} FROM stats s ${more}`;
}

async function addRowsOfClient(session: Session, sums: GridSums, query: FiguresQuery, client: string): Promise<void> {
  const { table } = query;
  const { sinceMs, untilMs, sampleMs } = query.grid;
  const place = stepOf(session, query.grid);
  const selected = [`${subjects[table] ?? "''"} AS subject`, `${place} AS place`, 'COUNT(*) AS weight'];
  const rows = await session.all(
    `SELECT ${[...selected, ...groupedFigures(query)].join(', ')} FROM ${table} t
     WHERE client = ? AND observed_at >= ? AND observed_at < ? AND ${inSample(session, query.grid)} GROUP BY place, subject`,
    [client, sqlTime(sinceMs), sqlTime(untilMs)],
  );
  for (const row of rows) sums.addToStep(row, client, Number(row['place']));
  if (sampleMs === null) return;
  const rests = await restsOfClient(session, client, query.grid);
  const missed = new Map([...rests].filter(([, step]) => !sums.isKnown(client, step)));
  for (const row of await reportsOf(session, query, [...missed.keys()])) {
    sums.addToStep(row, client, missed.get(Number(row['id'])) ?? -1);
  }
}

function groupedFigures({ columns, ranges }: FiguresQuery): readonly string[] {
  return columns.flatMap((column, index) => {
    const { mean, min, max } = keysOf(index);
    const range = [`MIN(t.${column}) AS ${min}`, `MAX(t.${column}) AS ${max}`];
    // MySQL makes the mean of integers a decimal with four digits.
    return [`AVG(t.${column} + 0e0) AS ${mean}`, ...(ranges.includes(column) ? range : [])];
  });
}
