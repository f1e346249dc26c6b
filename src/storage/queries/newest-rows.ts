import type { NewestRows } from '../store/alert-history.ts';
import { storedReport, storedReportColumns, storedVisitColumns, storedVisits } from '../rows/stored-rows.ts';
import type { Dialect, Session, SqlRow } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { FigureRow, RecentReport, RecentReportsAsked } from '../store/figure-store.ts';

/** Implements AlertHistory.newestRows. */
export async function newestRows(session: Session, client: string): Promise<NewestRows> {
  const select = (columns: readonly string[], table: 'stats' | 'visits'): Promise<readonly SqlRow[]> =>
    session.all(`SELECT ${columns.join(', ')} FROM ${table} WHERE id = ${newestOf(session.dialect, table, '?')}`, [
      client,
      client,
    ]);
  const [report] = await select(storedReportColumns, 'stats');
  const [visit] = await storedVisits(session, await select(storedVisitColumns, 'visits'));
  return { report: report === undefined ? null : storedReport(report), visit: visit ?? null };
}

const timeOf = { stats: 'observed_at', visits: 'started_at' } as const;

/**
 * Returns SQL for the id of a client's newest row. A row more than an hour ahead of the database's clock was stored
 * under a wrong clock, and counts only if there is no other. `client` is an expression, which the text contains twice.
 */
export function newestOf({ farAhead }: Dialect, table: keyof typeof timeOf, client: string): string {
  const isNear = `AND n.${timeOf[table]} <= ${farAhead}`;
  return `COALESCE(${firstOf(table, client, isNear)}, ${firstOf(table, client, '')})`;
}

/** Returns SQL for the id of a client's newest row before a time, which is the only value. */
export function newestBefore(table: keyof typeof timeOf, client: string): string {
  return firstOf(table, client, `AND n.${timeOf[table]} < ?`);
}

function firstOf(table: keyof typeof timeOf, client: string, condition: string): string {
  return `(SELECT n.id FROM ${table} n WHERE n.client = ${client} ${condition}
    ORDER BY n.${timeOf[table]} DESC, n.id DESC LIMIT 1)`;
}

/** Implements NewestStore.newestSince. */
export async function newestSince(
  session: Session,
  columns: readonly string[],
  sinceMs: number,
): Promise<readonly RecentReport[]> {
  const figures = columns.map((column) => `s.${column}`);
  const sql = `SELECT ${['c.name AS client', 's.id', ...figures].join(', ')} FROM clients c
    JOIN stats s ON s.id = ${newestOf(session.dialect, 'stats', 'c.name')} WHERE s.observed_at >= ? ORDER BY c.name`;
  return (await session.all(sql, [sqlTime(sinceMs)])).map(recentReport);
}

/**
 * Implements NewestStore.recentReports. Omits rows more than an hour ahead of the database's clock. One statement
 * selects many clients: on a server each statement costs a round trip.
 */
export async function recentReports(
  session: Session,
  { clients, columns, sinceMs, limit }: RecentReportsAsked,
): Promise<readonly RecentReport[]> {
  const names = ['client', 'id', ...columns].join(', ');
  const place = 'ROW_NUMBER() OVER (PARTITION BY client ORDER BY observed_at DESC, id DESC) AS place';
  const rows = await forChunks(clients, (chunk, marks) =>
    session.all(
      `SELECT ${names} FROM (SELECT ${names}, ${place} FROM stats WHERE client IN (${marks}) AND observed_at >= ?
        AND observed_at <= ${session.dialect.farAhead}) AS own WHERE place <= ${limit} ORDER BY client, place`,
      [...chunk, sqlTime(sinceMs)],
    ),
  );
  return rows.map(recentReport);
}

function recentReport(row: SqlRow): RecentReport {
  return { client: String(row['client']), statId: Number(row['id']), row: row as FigureRow };
}
