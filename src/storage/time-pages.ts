import type { ReplayPage, ReplayPlace, UntreatedBatch, UntreatedReport, UntreatedVisit } from './alert-store.ts';
import type { Session, SqlValue } from './database.ts';
import type { Dialect } from './dialect.ts';
import { selectMany } from './select-many.ts';
import { sqlTime } from './sql-time.ts';
import { storedReport, storedReportColumns, storedVisitColumns, storedVisits } from './stored-rows.ts';

// In the order of an index that holds just these rows.
const untreatedFrom = {
  stats: 'stats WHERE processed_at IS NULL ORDER BY observed_at, id LIMIT ?',
  visits: 'visits WHERE processed_at IS NULL ORDER BY started_at, id LIMIT ?',
} as const;
const afterFrom = {
  stats: 'stats WHERE observed_at >= ? AND (observed_at > ? OR id > ?) ORDER BY observed_at, id LIMIT ?',
  visits: 'visits WHERE started_at >= ? AND (started_at > ? OR id > ?) ORDER BY started_at, id LIMIT ?',
} as const;

interface Page extends UntreatedBatch {
  /** Up to when the page goes, that time included as far as it was read; null: to the end. */
  readonly untilMs: number | null;
}

/** See AlertStore.untreated. */
export async function untreated(session: Session, dialect: Dialect, limit: number): Promise<UntreatedBatch> {
  const reports = await reportsFrom(session, dialect, untreatedFrom.stats, [String(limit)]);
  const visits = await visitsFrom(session, dialect, untreatedFrom.visits, [String(limit)]);
  const page = cutOff(reports, visits, limit);
  return { reports: page.reports, visits: page.visits, more: page.more };
}

/** See AlertStore.replay. */
export async function replay(
  session: Session,
  dialect: Dialect,
  sinceMs: number,
  after: ReplayPlace | null,
  limit: number,
): Promise<ReplayPage> {
  const from = after ?? { atMs: sinceMs, reportId: 0, visitId: 0 };
  const at = sqlTime(from.atMs);
  const reports = await reportsFrom(session, dialect, afterFrom.stats, [at, at, from.reportId, String(limit)]);
  const visits = await visitsFrom(session, dialect, afterFrom.visits, [at, at, from.visitId, String(limit)]);
  const page = cutOff(reports, visits, limit);
  return { reports: page.reports, visits: page.visits, next: placeAfter(page, from) };
}

async function reportsFrom(
  session: Session,
  dialect: Dialect,
  from: string,
  values: readonly SqlValue[],
): Promise<readonly UntreatedReport[]> {
  const rows = await selectMany(session, dialect, storedReportColumns, from, values);
  return rows.map(storedReport).sort((a, b) => a.observedAtMs - b.observedAtMs || a.id - b.id);
}

async function visitsFrom(
  session: Session,
  dialect: Dialect,
  from: string,
  values: readonly SqlValue[],
): Promise<readonly UntreatedVisit[]> {
  const rows = await selectMany(session, dialect, storedVisitColumns, from, values);
  const visits = await storedVisits(session, rows);
  return [...visits].sort((a, b) => a.startedAtMs - b.startedAtMs || a.id - b.id);
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
