import type { ReplayPage, ReplayPlace, UntreatedBatch, UntreatedReport, UntreatedVisit } from './alert-store.ts';
import type { Session } from './database.ts';
import { sqlTime } from './sql-time.ts';
import { storedReport, storedReportColumns, storedVisitColumns, storedVisits } from './stored-rows.ts';

// Both in the order of an index that holds just these rows.
const untreatedReportsSql = `SELECT ${storedReportColumns} FROM stats WHERE processed_at IS NULL
  ORDER BY observed_at, id LIMIT ?`;
const untreatedVisitsSql = `SELECT ${storedVisitColumns} FROM visits WHERE processed_at IS NULL
  ORDER BY started_at, id LIMIT ?`;

const reportsAfterSql = `SELECT ${storedReportColumns} FROM stats
  WHERE observed_at >= ? AND (observed_at > ? OR id > ?) ORDER BY observed_at, id LIMIT ?`;
const visitsAfterSql = `SELECT ${storedVisitColumns} FROM visits
  WHERE started_at >= ? AND (started_at > ? OR id > ?) ORDER BY started_at, id LIMIT ?`;

/** The queries of `untreated` and `replay`, for looking at their plans. */
export const timePageQueries = { untreatedReportsSql, untreatedVisitsSql, reportsAfterSql, visitsAfterSql } as const;

interface Page extends UntreatedBatch {
  /** Up to when the page goes, that time included as far as it was read; null: to the end. */
  readonly untilMs: number | null;
}

/** See AlertStore.untreated. */
export async function untreated(session: Session, limit: number): Promise<UntreatedBatch> {
  const reports = (await session.all(untreatedReportsSql, [String(limit)])).map(storedReport);
  const visits = await storedVisits(session, await session.all(untreatedVisitsSql, [String(limit)]));
  const page = cutOff(reports, visits, limit);
  return { reports: page.reports, visits: page.visits, more: page.more };
}

/** See AlertStore.replay. */
export async function replay(
  session: Session,
  sinceMs: number,
  after: ReplayPlace | null,
  limit: number,
): Promise<ReplayPage> {
  const from = after ?? { atMs: sinceMs, reportId: 0, visitId: 0 };
  const at = sqlTime(from.atMs);
  const reports = (await session.all(reportsAfterSql, [at, at, from.reportId, String(limit)])).map(storedReport);
  const visitRows = await session.all(visitsAfterSql, [at, at, from.visitId, String(limit)]);
  const page = cutOff(reports, await storedVisits(session, visitRows), limit);
  return { reports: page.reports, visits: page.visits, next: placeAfter(page, from) };
}

function cutOff(reports: readonly UntreatedReport[], visits: readonly UntreatedVisit[], limit: number): Page {
  const ends = [
    ...(reports.length < limit ? [] : [reports.at(-1)?.observedAtMs ?? 0]),
    ...(visits.length < limit ? [] : [visits.at(-1)?.startedAtMs ?? 0]),
  ];
  if (ends.length === 0) return { reports, visits, more: false, untilMs: null };
  const untilMs = Math.min(...ends);
  return {
    reports: reports.filter(({ observedAtMs }) => observedAtMs <= untilMs),
    visits: visits.filter(({ startedAtMs }) => startedAtMs <= untilMs),
    more: true,
    untilMs,
  };
}

function placeAfter(page: Page, from: ReplayPlace): ReplayPlace | null {
  if (page.untilMs === null) return null;
  const sameTime = page.untilMs === from.atMs;
  const report = page.reports.at(-1);
  const visit = page.visits.at(-1);
  return {
    atMs: page.untilMs,
    reportId: report?.observedAtMs === page.untilMs ? report.id : sameTime ? from.reportId : 0,
    visitId: visit?.startedAtMs === page.untilMs ? visit.id : sameTime ? from.visitId : 0,
  };
}
