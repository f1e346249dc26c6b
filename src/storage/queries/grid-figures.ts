import { dayMs, hourMs } from '../../platform/units.ts';
import { numberOrNull } from '../rows/columns.ts';
import type { Session, SqlRow } from '../sql/database.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { FigureTable, Grid, GridFigure, GridFigures } from '../store/look-store.ts';

const subjects = { stats: null, disk_stats: 'mount', network_stats: 'interface' } as const;

/** The sums of a figure by step. */
interface Sums {
  readonly least: (number | null)[];
  readonly total: number[];
  readonly count: number[];
  readonly most: (number | null)[];
}

/**
 * See LookStore.gridFigures. Rows that are kept count by themselves. Hours and days fill every step that they touch; a
 * day counts only where no hour of it is kept.
 */
export async function gridFigures(
  session: Session,
  client: string,
  table: FigureTable,
  columns: readonly string[],
  grid: Grid,
): Promise<readonly GridFigures[]> {
  const sums = new GridSums(columns, grid);
  const firstHourMs = await addRollups(session, sums, client, table, 'hour', grid.sinceMs + grid.stepMs * grid.points);
  await addRollups(session, sums, client, table, 'day', firstHourMs);
  await addRows(session, sums, client, table);
  return sums.figures();
}

/** Adds hours or days that begin before `untilMs`. Returns when the first one began, else `untilMs`. */
async function addRollups(
  session: Session,
  sums: GridSums,
  client: string,
  table: FigureTable,
  span: 'hour' | 'day',
  untilMs: number,
): Promise<number> {
  const spanMs = span === 'hour' ? hourMs : dayMs;
  // Rollups name the beginning of their hour without fractions: `2026-11-20 10:00:00`.
  const place = (atMs: number): string => sqlTime(atMs).slice(0, span === 'hour' ? 19 : 10);
  const figures = sums.columns.flatMap((column) => ['min', 'mean', 'max', 'count'].map((part) => `${column}_${part}`));
  const sql = `SELECT ${[subjectOf(table), `${span} AS place`, ...figures].join(', ')}
    FROM ${table}_${span === 'hour' ? 'hourly' : 'daily'} WHERE client = ? AND ${span} >= ? AND ${span} < ? ORDER BY ${span}`;
  const sinceMs = Math.floor(sums.grid.sinceMs / spanMs) * spanMs;
  const rows = await session.all(sql, [client, place(sinceMs), place(untilMs)]);
  const timeOf = (row: SqlRow): number => fromSqlTime(String(row['place']).slice(0, 19).padEnd(19, ' 00:00:00')) ?? 0;
  for (const row of rows) sums.add(row, timeOf(row), spanMs);
  return rows[0] === undefined ? untilMs : timeOf(rows[0]);
}

async function addRows(session: Session, sums: GridSums, client: string, table: FigureTable): Promise<void> {
  const { sinceMs, stepMs, points, sampleMs } = sums.grid;
  const second = session.dialect.unixSeconds('observed_at');
  const place = session.dialect.quotient(`(${second} - ${sinceMs / 1000})`, stepMs / 1000);
  const figures = sums.columns.flatMap((column) => [
    `MIN(${column}) AS ${column}_min`,
    `AVG(${column} + 0e0) AS ${column}_mean`,
    `MAX(${column}) AS ${column}_max`,
    `COUNT(${column}) AS ${column}_count`,
  ]);
  const sample = sampleMs === null ? '' : `AND (${second} - ${sinceMs / 1000}) % ${stepMs / 1000} < ${sampleMs / 1000}`;
  const sql = `SELECT ${[subjectOf(table), `${place} AS place`, ...figures].join(', ')}
    FROM ${table} WHERE client = ? AND observed_at >= ? AND observed_at < ? ${sample} GROUP BY place, subject`;
  const rows = await session.all(sql, [client, sqlTime(sinceMs), sqlTime(sinceMs + stepMs * points)]);
  for (const row of rows) sums.add(row, sinceMs + Number(row['place']) * stepMs, stepMs);
}

function subjectOf(table: FigureTable): string {
  return `${subjects[table] ?? "''"} AS subject`;
}

/** Adds up figures by subject and step. */
class GridSums {
  readonly columns: readonly string[];
  readonly grid: Grid;
  readonly #bySubject = new Map<string, Map<string, Sums>>();

  constructor(columns: readonly string[], grid: Grid) {
    this.columns = columns;
    this.grid = grid;
  }

  /** Adds a row of `_min`, `_mean`, `_max` and `_count` to each step that the time from `fromMs` on touches. */
  add(row: SqlRow, fromMs: number, spanMs: number): void {
    const { sinceMs, stepMs, points } = this.grid;
    const first = Math.max(0, Math.floor((fromMs - sinceMs) / stepMs));
    const last = Math.min(points - 1, Math.ceil((fromMs + spanMs - sinceMs) / stepMs) - 1);
    for (const column of this.columns) {
      const mean = numberOrNull(row[`${column}_mean`]);
      if (mean === null) continue;
      const sums = this.#sumsOf(String(row['subject']), column);
      const count = Number(row[`${column}_count`]);
      const [least, most] = [Number(row[`${column}_min`]), Number(row[`${column}_max`])];
      for (let step = first; step <= last; step += 1) {
        sums.least[step] = Math.min(sums.least[step] ?? Infinity, least);
        sums.most[step] = Math.max(sums.most[step] ?? -Infinity, most);
        sums.total[step] = (sums.total[step] ?? 0) + mean * count;
        sums.count[step] = (sums.count[step] ?? 0) + count;
      }
    }
  }

  /** Returns the figures by subject, in the order of their names. */
  figures(): readonly GridFigures[] {
    return [...this.#bySubject]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([subject, byColumn]) => ({
        subject,
        figures: new Map([...byColumn].map(([column, sums]) => [column, figureOf(sums)])),
      }));
  }

  #sumsOf(subject: string, column: string): Sums {
    const byColumn = this.#bySubject.get(subject) ?? new Map<string, Sums>();
    this.#bySubject.set(subject, byColumn);
    const known = byColumn.get(column);
    if (known !== undefined) return known;
    const { points } = this.grid;
    const unknown = (): (number | null)[] => new Array<number | null>(points).fill(null);
    const zeros = (): number[] => new Array<number>(points).fill(0);
    const sums = { least: unknown(), total: zeros(), count: zeros(), most: unknown() };
    byColumn.set(column, sums);
    return sums;
  }
}

function figureOf({ least, total, count, most }: Sums): GridFigure {
  const mean = count.map((rows, step) => (rows === 0 ? null : (total[step] ?? 0) / rows));
  return { least, mean, most };
}
