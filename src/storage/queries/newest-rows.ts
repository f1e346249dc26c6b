import type { NewestRows } from '../store/alert-store.ts';
import type { Dialect } from '../sql/dialect.ts';
import { newestOf } from './newest-of.ts';
import { selectMany } from '../sql/select-many.ts';
import { storedReport, storedReportColumns, storedVisitColumns, storedVisits } from '../rows/stored-rows.ts';
import type { Session } from '../sql/session.ts';

/** See AlertStore.newestRows. */
export async function newestRows(session: Session, dialect: Dialect, client: string): Promise<NewestRows> {
  const newest = (table: 'stats' | 'visits'): string => `${table} WHERE id = ${newestOf(dialect, table, '?')}`;
  const twice = [client, client];
  const [report] = await selectMany(session, dialect, storedReportColumns, newest('stats'), twice);
  const visits = await selectMany(session, dialect, storedVisitColumns, newest('visits'), twice);
  const [visit] = await storedVisits(session, visits);
  return { report: report === undefined ? null : storedReport(report), visit: visit ?? null };
}
