import type { NewestRows } from './alert-store.ts';
import type { Session } from './database.ts';
import type { Dialect } from './dialect.ts';
import { selectMany } from './select-many.ts';
import { storedReport, storedReportColumns, storedVisitColumns, storedVisits } from './stored-rows.ts';

/** See AlertStore.newestRows. */
export async function newestRows(session: Session, dialect: Dialect, client: string): Promise<NewestRows> {
  const newest = (table: string, time: string): string =>
    `${table} WHERE client = ? ORDER BY ${time} DESC, id DESC LIMIT 1`;
  const [report] = await selectMany(session, dialect, storedReportColumns, newest('stats', 'observed_at'), [client]);
  const visits = await selectMany(session, dialect, storedVisitColumns, newest('visits', 'started_at'), [client]);
  const [visit] = await storedVisits(session, visits);
  return { report: report === undefined ? null : storedReport(report), visit: visit ?? null };
}
