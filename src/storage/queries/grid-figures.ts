import { dayMs, hourMs } from '../../platform/units.ts';
import { placeholders } from '../sql/insert-rows.ts';
import type { Database, Session } from '../sql/database.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { FiguresQuery, FleetFigures, Grid, Watch } from '../store/look-store.ts';
import { GridSums, keysOf } from './grid-sums.ts';
import { inSteps, isReadByTime, stepSpan } from './read-by-time.ts';

const subjects = { stats: null, disk_stats: 'mount', network_stats: 'interface' } as const;
/** Clients whose hours and days are read at a time: a month of hours of mounts is some thousand rows a client. */
const clientsAtATime = 10;

/**
 * See LookStore.fleetFigures. Rows that are kept count by themselves. Hours and days fill every step that they touch; a
 * day counts only where no hour of it is kept.
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

/** Adds the hours, then the days before the first hour, of some clients. */
async function addRollups(
  session: Session,
  sums: GridSums,
  query: FiguresQuery,
  clients: readonly string[],
): Promise<void> {
  const { untilMs } = query.grid;
  const firstHours = new Map<string, number>();
  await eachRollup(session, query, clients, 'hour', untilMs, (row, client, atMs) => {
    firstHours.set(client, Math.min(firstHours.get(client) ?? Infinity, atMs));
    sums.addToSpan(row, client, atMs, hourMs);
  });
  const firstHour = (client: string): number => firstHours.get(client) ?? untilMs;
  await eachRollup(session, query, clients, 'day', Math.max(...clients.map(firstHour)), (row, client, atMs) => {
    if (atMs < firstHour(client)) sums.addToSpan(row, client, atMs, dayMs);
  });
}

async function eachRollup(
  session: Session,
  { table, columns, ranges, grid }: FiguresQuery,
  clients: readonly string[],
  span: 'hour' | 'day',
  untilMs: number,
  add: (row: Parameters<GridSums['addToSpan']>[0], client: string, atMs: number) => void,
): Promise<void> {
  const spanMs = span === 'hour' ? hourMs : dayMs;
  // Rollups name the beginning of their hour without fractions: `2026-11-20 10:00:00`.
  const place = (atMs: number): string => sqlTime(atMs).slice(0, span === 'hour' ? 19 : 10);
  const figures = columns.flatMap((column, index) => {
    const { mean, least, most } = keysOf(index);
    const range = [`${column}_min AS ${least}`, `${column}_max AS ${most}`];
    return [`${column}_mean AS ${mean}`, ...(ranges.includes(column) ? range : [])];
  });
  const selected = [
    'client',
    `${subjects[table] ?? "''"} AS subject`,
    `${span} AS place`,
    'samples AS weight',
    ...figures,
  ];
  const rows = await session.all(
    `SELECT ${selected.join(', ')} FROM ${table}_${span === 'hour' ? 'hourly' : 'daily'}
     WHERE client IN (${placeholders(clients.length)}) AND ${span} >= ? AND ${span} < ?`,
    [...clients, place(Math.floor(grid.sinceMs / spanMs) * spanMs), place(untilMs)],
  );
  for (const row of rows) {
    const atMs = fromSqlTime(String(row['place']).slice(0, 19).padEnd(19, ' 00:00:00')) ?? 0;
    add(row, String(row['client']), atMs);
  }
}

/** Adds the rows of everybody in a step, or in the sampled part of the step. */
async function addRowsOfStep(session: Session, sums: GridSums, query: FiguresQuery, step: number): Promise<void> {
  const { table, grid } = query;
  const subject = subjects[table];
  // Rows of mounts and interfaces have an index by client alone; they lie together with their report's.
  const from = subject === null ? 'stats t' : `stats s JOIN ${table} t ON t.stat_id = s.id`;
  const time = `${subject === null ? 't' : 's'}.observed_at`;
  const isOneEach = grid.sampleMs !== null;
  const figures = isOneEach ? plainFigures(query) : ['COUNT(*) AS weight', ...groupedFigures(query)];
  const group = subject === null ? [] : [`t.${subject}`];
  const selected = ['t.client AS client', ...group.map((column) => `${column} AS subject`), ...figures];
  const rows = await session.all(
    `SELECT ${selected.join(', ')} FROM ${from} WHERE ${time} >= ? AND ${time} < ?
     ${isOneEach ? '' : `GROUP BY ${['t.client', ...group].join(', ')}`}`,
    stepSpan(grid, step),
  );
  for (const row of rows) sums.addToStep(row, String(row['client']), step);
}

async function addRowsOfClient(session: Session, sums: GridSums, query: FiguresQuery, client: string): Promise<void> {
  const { table } = query;
  const { sinceMs, stepMs, untilMs } = query.grid;
  const place = session.dialect.quotient(sinceStart(session, query.grid), stepMs / 1000);
  const selected = [`${subjects[table] ?? "''"} AS subject`, `${place} AS place`, 'COUNT(*) AS weight'];
  const rows = await session.all(
    `SELECT ${[...selected, ...groupedFigures(query)].join(', ')} FROM ${table} t
     WHERE client = ? AND observed_at >= ? AND observed_at < ? ${sample(session, query.grid)} GROUP BY place, subject`,
    [client, sqlTime(sinceMs), sqlTime(untilMs)],
  );
  for (const row of rows) sums.addToStep(row, client, Number(row['place']));
}

/** Returns SQL for the seconds from the start of the grid to a row. */
function sinceStart({ dialect }: Session, { sinceMs }: Grid): string {
  return `(${dialect.unixSeconds('observed_at')} - ${sinceMs / 1000})`;
}

function sample(session: Session, grid: Grid): string {
  const { stepMs, sampleMs } = grid;
  return sampleMs === null ? '' : `AND ${sinceStart(session, grid)} % ${stepMs / 1000} < ${sampleMs / 1000}`;
}

function plainFigures({ columns }: FiguresQuery): readonly string[] {
  return columns.map((column, index) => `t.${column} AS ${keysOf(index).mean}`);
}

function groupedFigures({ columns, ranges }: FiguresQuery): readonly string[] {
  return columns.flatMap((column, index) => {
    const { mean, least, most } = keysOf(index);
    const range = [`MIN(t.${column}) AS ${least}`, `MAX(t.${column}) AS ${most}`];
    // MySQL makes the mean of integers a decimal with four digits.
    return [`AVG(t.${column} + 0e0) AS ${mean}`, ...(ranges.includes(column) ? range : [])];
  });
}
