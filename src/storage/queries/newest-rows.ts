import type { NewestRows } from '../store/alert-history.ts';
import { storedReport, storedReportColumns, storedVisitColumns, storedVisits } from '../rows/stored-rows.ts';
import type { Dialect, Session, SqlRow } from '../sql/database.ts';
import { fromSqlTime } from '../sql/sql-time.ts';
import type { FigureRow, RecentReport } from '../store/figure-store.ts';

/** See AlertHistory.newestRows. */
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
 * The id of a client's newest row. What lies further ahead of the database's clock than clocks may differ was stored
 * under a clock that was wrong: it is the newest only where there is nothing else. `client`: an expression, twice in
 * the text.
 */
export function newestOf({ farAhead }: Dialect, table: keyof typeof timeOf, client: string): string {
  const isNear = `AND n.${timeOf[table]} <= ${farAhead}`;
  return `COALESCE(${firstOf(table, client, isNear)}, ${firstOf(table, client, '')})`;
}

/** The id of a client's newest row before a time, its one value. */
export function newestBefore(table: keyof typeof timeOf, client: string): string {
  return firstOf(table, client, `AND n.${timeOf[table]} < ?`);
}

function firstOf(table: keyof typeof timeOf, client: string, condition: string): string {
  return `(SELECT n.id FROM ${table} n WHERE n.client = ${client} ${condition}
    ORDER BY n.${timeOf[table]} DESC, n.id DESC LIMIT 1)`;
}

/** See FigureStore.recentReports. Rows that lie further ahead of the clock than clocks may differ are left out. */
export async function recentReports(
  session: Session,
  clients: readonly string[],
  columns: readonly string[],
  limit: number,
): Promise<readonly RecentReport[]> {
  const sql = `SELECT id, observed_at, ${columns.join(', ')} FROM stats
    WHERE client = ? AND observed_at <= ${session.dialect.farAhead} ORDER BY observed_at DESC, id DESC LIMIT ?`;
  const found: RecentReport[] = [];
  for (const client of clients) {
    for (const row of await session.all(sql, [client, String(limit)])) {
      const statId = Number(row['id']);
      found.push({ client, statId, observedAtMs: fromSqlTime(row['observed_at']) ?? 0, row: row as FigureRow });
    }
  }
  return found;
}
