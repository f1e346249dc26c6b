import { least } from '../../platform/group-by.ts';
import { type StatsFigure, statsFigureNames } from '../../report/metrics.ts';
import { storedReport, storedReportKeys, storedVisitColumns, storedVisits } from '../rows/stored-rows.ts';
import { hourMs } from '../../platform/units.ts';
import type { Session, SqlRow, SqlValue } from '../sql/database.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { sqlTime } from '../sql/sql-time.ts';
import type { ReplayPage } from '../store/alert-history.ts';
import type { RowPlace, UnprocessedBatch, UnprocessedReport, UnprocessedVisit } from '../store/evaluation-store.ts';

/** Implements EvaluationStore.unprocessed. */
export async function unprocessedRows(
  session: Session,
  limit: number,
  after: RowPlace | null,
  figures: readonly StatsFigure[] = statsFigureNames,
): Promise<UnprocessedBatch> {
  const page = await pageOf(session, { condition: 'processed_at IS NULL', after, limit, figures });
  return { ...page, more: page.next !== null };
}

/** Implements AlertHistory.replay. */
export async function replayedRows(session: Session, after: RowPlace, limit: number): Promise<ReplayPage> {
  return pageOf(session, { condition: '1 = 1', after, limit, figures: statsFigureNames });
}

/** The time of a page of some clients: short, so that a page of many clients stays small. */
const pageMs = hourMs;

/** Implements AlertHistory.replay for some clients: by the index on client and time. */
export async function rowsOfClients(session: Session, fromMs: number, clients: readonly string[]): Promise<ReplayPage> {
  const untilMs = fromMs + pageMs;
  const rowsOf = (columns: readonly string[], table: 'stats' | 'visits', time: string): Promise<readonly SqlRow[]> =>
    forChunks(clients, (chunk, marks) =>
      session.all(
        `SELECT ${columns.join(', ')} FROM ${table} WHERE client IN (${marks}) AND ${time} >= ? AND ${time} < ?`,
        [...chunk, sqlTime(fromMs), sqlTime(untilMs)],
      ),
    );
  const reports = await rowsOf([...storedReportKeys, ...statsFigureNames], 'stats', 'observed_at');
  const visits = await storedVisits(session, await rowsOf(storedVisitColumns, 'visits', 'started_at'));
  return {
    reports: reports.map((row) => storedReport(row, statsFigureNames)).sort(byTime(({ observedAtMs }) => observedAtMs)),
    visits: [...visits].sort(byTime(({ startedAtMs }) => startedAtMs)),
    next: { atMs: untilMs, reportId: 0, visitId: 0 },
  };
}

function byTime<Row extends { readonly id: number }>(timeOf: (row: Row) => number): (a: Row, b: Row) => number {
  return (a, b) => timeOf(a) - timeOf(b) || a.id - b.id;
}

interface PageOptions {
  readonly condition: string;
  readonly after: RowPlace | null;
  readonly limit: number;
  /** The figures of reports to read. */
  readonly figures: readonly StatsFigure[];
}

async function pageOf(session: Session, { condition, after, limit, figures }: PageOptions): Promise<ReplayPage> {
  const rowsOf = async (
    columns: readonly string[],
    table: 'stats' | 'visits',
    time: 'observed_at' | 'started_at',
    afterId: number,
  ): Promise<readonly SqlRow[]> => {
    const rows = async (place: string, values: readonly SqlValue[], max: number): Promise<readonly SqlRow[]> => {
      // In the order of an index that holds only the unprocessed rows.
      const sql = `SELECT ${columns.join(', ')} FROM ${table} WHERE ${condition} ${place} ORDER BY ${time}, id LIMIT ?`;
      return session.all(sql, [...values, String(max)]);
    };
    if (after === null) return rows('', [], limit);
    const atMs = sqlTime(after.atMs);
    // A single condition would scan all earlier rows of that time, which may be those of a whole fleet.
    const ofThatTime = await rows(`AND ${time} = ? AND id > ?`, [atMs, afterId], limit);
    const left = limit - ofThatTime.length;
    return left === 0 ? ofThatTime : [...ofThatTime, ...(await rows(`AND ${time} > ?`, [atMs], left))];
  };
  const reports = await rowsOf([...storedReportKeys, ...figures], 'stats', 'observed_at', after?.reportId ?? 0);
  const visits = await rowsOf(storedVisitColumns, 'visits', 'started_at', after?.visitId ?? 0);
  return cutOff(
    reports.map((row) => storedReport(row, figures)),
    await storedVisits(session, visits),
    after,
    limit,
  );
}

/** Cuts both kinds of rows off at the same time: at the end of the kind that may have more rows. */
function cutOff(
  reports: readonly UnprocessedReport[],
  visits: readonly UnprocessedVisit[],
  after: RowPlace | null,
  limit: number,
): ReplayPage {
  const ends = [
    ...(reports.length < limit ? [] : [reports.at(-1)?.observedAtMs ?? 0]),
    ...(visits.length < limit ? [] : [visits.at(-1)?.startedAtMs ?? 0]),
  ];
  if (ends.length === 0) return { reports, visits, next: null };
  const atMs = least(ends);
  const page = {
    reports: reports.filter(({ observedAtMs }) => observedAtMs <= atMs),
    visits: visits.filter(({ startedAtMs }) => startedAtMs <= atMs),
  };
  const before = after?.atMs === atMs ? after : { reportId: 0, visitId: 0 };
  const report = page.reports.at(-1);
  const visit = page.visits.at(-1);
  return {
    ...page,
    next: {
      atMs,
      reportId: report?.observedAtMs === atMs ? report.id : before.reportId,
      visitId: visit?.startedAtMs === atMs ? visit.id : before.visitId,
    },
  };
}
