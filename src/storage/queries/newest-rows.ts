import type { NewestRows } from '../store/alert-history.ts';
import type { Dialect } from '../sql/dialect.ts';
import { newestOf } from './newest-of.ts';
import { storedReport, storedReportColumns, storedVisitColumns, storedVisits } from '../rows/stored-rows.ts';
import type { Session, SqlRow } from '../sql/session.ts';

/** See AlertHistory.newestRows. */
export async function newestRows(session: Session, dialect: Dialect, client: string): Promise<NewestRows> {
  const select = (columns: readonly string[], table: 'stats' | 'visits'): Promise<readonly SqlRow[]> =>
    session.all(`SELECT ${columns.join(', ')} FROM ${table} WHERE id = ${newestOf(dialect, table, '?')}`, [
      client,
      client,
    ]);
  const [report] = await select(storedReportColumns, 'stats');
  const [visit] = await storedVisits(session, await select(storedVisitColumns, 'visits'));
  return { report: report === undefined ? null : storedReport(report), visit: visit ?? null };
}
