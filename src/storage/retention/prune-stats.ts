import { hourMs } from '../../platform/units.ts';
import type { Database, SqlValue } from '../sql/database.ts';
import { placeholders } from '../sql/insert-rows.ts';
import { ofReports } from '../sql/tables.ts';
import type { RollupSpan } from '../sql/rollups.ts';
import { rollUp } from './rollup.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';

export interface StatsRemoverOptions {
  readonly database: Database;
  /** A full hour. Rows observed before it are removed. */
  readonly beforeMs: number;
  /** True once an alerter has run on this database: unprocessed rows stay. */
  readonly processedOnly: boolean;
  /** The rollups to which the rows are added before their removal. */
  readonly spans: readonly RollupSpan[];
}

/** The number of rows of an hour that are looked up at a time. */
const lookupRows = 20_000;

// A few lengths of lists, so that each statement is prepared once.
const listSizes = [16, 64, 256, 512] as const;

/** The most rows of one transaction, whatever the limit. */
export const maxStats = 512;

// A silent client keeps its newest row: latest_stats and status would lose the client otherwise.
const removable = (processedOnly: boolean): string => `s.observed_at < ? AND s.observed_at >= ?
    AND s.id <> (SELECT n.id FROM stats n WHERE n.client = s.client ORDER BY n.observed_at DESC, n.id DESC LIMIT 1)
    ${processedOnly ? 'AND s.processed_at IS NOT NULL' : ''}`;

/** Returns the query for the oldest time. Values: before, from. */
export function oldestStatsSql(processedOnly: boolean): string {
  return `SELECT s.observed_at AS at FROM stats s WHERE ${removable(processedOnly)} ORDER BY s.observed_at LIMIT 1`;
}

/** Returns the query that counts rows. Values: before, from. */
export function countStatsSql(processedOnly: boolean): string {
  return `SELECT COUNT(*) AS count FROM stats s WHERE ${removable(processedOnly)}`;
}

/**
 * Returns the query for rows of an hour. Values: before, from, limit. A client's rows stand together, so that its
 * rollups are written once.
 */
function rowsOfHourSql(processedOnly: boolean): string {
  return `SELECT s.id AS id, s.client AS client FROM stats s WHERE ${removable(processedOnly)}
    ORDER BY s.client, s.id LIMIT ?`;
}

export interface RemovedStats {
  readonly stats: number;
  /** The number of whole reports that were still kept. */
  readonly reports: number;
}

interface Row {
  readonly id: number;
  readonly client: string;
}

/**
 * Rolls up and removes rows of `stats` and the rows that refer to them, oldest hour first. Each call of the returned
 * function handles up to `limit` rows in one transaction and returns their number; null if there is nothing left.
 * A row is either in `stats` or in its rollups, never in both, even after crashes and with several pruners. The
 * transaction locks the rows, omits rows that another pruner has taken meanwhile, and adds and deletes the remaining
 * rows together. Late rows of an hour that is already rolled up are added to the rollup.
 */
export function statsRemover(options: StatsRemoverOptions): (limit: number) => Promise<RemovedStats | null> {
  const { database, beforeMs, processedOnly } = options;
  const before = sqlTime(beforeMs);
  let from = '1000-01-01 00:00:00.000';
  let ofHourMs = 0;
  let queue: readonly Row[] = [];
  const fill = async (): Promise<void> => {
    const oldest = await database.read((session) => session.all(oldestStatsSql(processedOnly), [before, from]));
    const oldestMs = fromSqlTime(oldest[0]?.['at']);
    if (oldestMs === null) return;
    ofHourMs = Math.floor(oldestMs / hourMs) * hourMs;
    from = sqlTime(ofHourMs);
    const values = [sqlTime(ofHourMs + hourMs), from, String(lookupRows)];
    const rows = await database.read((session) => session.all(rowsOfHourSql(processedOnly), values));
    queue = rows.map((row) => ({ id: Number(row['id']), client: String(row['client']) }));
  };
  return async (limit) => {
    if (queue.length === 0) await fill();
    if (queue.length === 0) return null;
    const size = wholeClients(queue, Math.min(limit, maxStats));
    const ids = queue.slice(0, size).map(({ id }) => id);
    const removed = await removeStats(options, ofHourMs, ids);
    queue = queue.slice(size);
    return removed;
  };
}

/**
 * Returns the number of rows from the start, at most `limit`, that ends with a client's last row. Returns `limit` if
 * one client has more rows.
 */
export function wholeClients(rows: readonly Row[], limit: number): number {
  const next = rows[limit]?.client;
  const cut = rows.slice(0, limit).findLastIndex(({ client }) => client !== next);
  return cut === -1 ? limit : cut + 1;
}

async function removeStats(
  { database, processedOnly, spans }: StatsRemoverOptions,
  ofHourMs: number,
  ids: readonly number[],
): Promise<RemovedStats> {
  return database.write(async (session) => {
    const wanted = filledUp([...ids].sort((one, other) => one - other));
    const rows = await session.all(
      `SELECT id FROM stats WHERE id IN (${wanted.marks}) ${processedOnly ? 'AND processed_at IS NOT NULL' : ''}
       ORDER BY id${session.dialect.forUpdate}`,
      wanted.values,
    );
    if (rows.length === 0) return { stats: 0, reports: 0 };
    const locked = filledUp(rows.map(({ id = null }) => id));
    await rollUp(session, { hourMs: ofHourMs, spans, statIds: locked.values, marks: locked.marks });
    const remove = (table: string, column: string): Promise<number> =>
      session.run(`DELETE FROM ${table} WHERE ${column} IN (${locked.marks})`, locked.values);
    // Rows that refer to a row of `stats` are removed before it.
    const counts = new Map<string, number>();
    for (const table of ofReports) counts.set(table, await remove(table, 'stat_id'));
    return { stats: await remove('stats', 'id'), reports: counts.get('reports') ?? 0 };
  });
}

/** Fills a list of ids up to one of a few lengths by repeating the last id. */
export function filledUp(ids: readonly SqlValue[]): { readonly values: readonly SqlValue[]; readonly marks: string } {
  const size = listSizes.find((candidate) => candidate >= ids.length) ?? ids.length;
  const last = ids.at(-1) ?? null;
  return { values: [...ids, ...Array<SqlValue>(size - ids.length).fill(last)], marks: placeholders(size) };
}
