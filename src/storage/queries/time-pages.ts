import type {
  ReplayPage,
  RowPlace,
  UnprocessedBatch,
  UnprocessedReport,
  UnprocessedVisit,
} from '../store/alert-store.ts';
import { sqlTime } from '../sql/sql-time.ts';
import { storedReport, storedReportColumns, storedVisitColumns, storedVisits } from '../rows/stored-rows.ts';
import type { Session, SqlValue } from '../sql/session.ts';

// In the order of an index that holds just these rows.
const unprocessedFrom = {
  stats: 'stats WHERE processed_at IS NULL ORDER BY observed_at, id LIMIT ?',
  visits: 'visits WHERE processed_at IS NULL ORDER BY started_at, id LIMIT ?',
} as const;
const afterReport = 'observed_at >= ? AND (observed_at > ? OR id > ?) ORDER BY observed_at, id LIMIT ?';
const afterVisit = 'started_at >= ? AND (started_at > ? OR id > ?) ORDER BY started_at, id LIMIT ?';
const unprocessedAfterFrom = {
  stats: `stats WHERE processed_at IS NULL AND ${afterReport}`,
  visits: `visits WHERE processed_at IS NULL AND ${afterVisit}`,
} as const;
const afterFrom = { stats: `stats WHERE ${afterReport}`, visits: `visits WHERE ${afterVisit}` } as const;

interface Page extends Pick<UnprocessedBatch, 'reports' | 'visits'> {
  /** Up to when the page goes, that time included as far as it was read; null: to the end. */
  readonly untilMs: number | null;
}

/** See AlertStore.unprocessed. */
export async function unprocessed(session: Session, limit: number, after: RowPlace | null): Promise<UnprocessedBatch> {
  if (after !== null) return batchOf(await pageAfter(session, unprocessedAfterFrom, after, limit), after);
  const reports = await reportsFrom(session, unprocessedFrom.stats, [String(limit)]);
  const visits = await visitsFrom(session, unprocessedFrom.visits, [String(limit)]);
  return batchOf(cutOff(reports, visits, limit), { atMs: -Infinity, reportId: 0, visitId: 0 });
}

function batchOf(page: Page, from: RowPlace): UnprocessedBatch {
  const next = placeAfter(page, from);
  return { reports: page.reports, visits: page.visits, more: next !== null, next };
}

/** See AlertStore.replay. */
export async function replay(
  session: Session,
  sinceMs: number,
  after: RowPlace | null,
  limit: number,
): Promise<ReplayPage> {
  const from = after ?? { atMs: sinceMs, reportId: 0, visitId: 0 };
  const page = await pageAfter(session, afterFrom, from, limit);
  return { reports: page.reports, visits: page.visits, next: placeAfter(page, from) };
}

async function pageAfter(
  session: Session,
  { stats, visits }: Readonly<Record<'stats' | 'visits', string>>,
  { atMs, reportId, visitId }: RowPlace,
  limit: number,
): Promise<Page> {
  const at = sqlTime(atMs);
  return cutOff(
    await reportsFrom(session, stats, [at, at, reportId, String(limit)]),
    await visitsFrom(session, visits, [at, at, visitId, String(limit)]),
    limit,
  );
}

async function reportsFrom(
  session: Session,
  from: string,
  values: readonly SqlValue[],
): Promise<readonly UnprocessedReport[]> {
  return (await session.all(`SELECT ${storedReportColumns.join(', ')} FROM ${from}`, values)).map(storedReport);
}

async function visitsFrom(
  session: Session,
  from: string,
  values: readonly SqlValue[],
): Promise<readonly UnprocessedVisit[]> {
  return storedVisits(session, await session.all(`SELECT ${storedVisitColumns.join(', ')} FROM ${from}`, values));
}

function cutOff(reports: readonly UnprocessedReport[], visits: readonly UnprocessedVisit[], limit: number): Page {
  const ends = [
    ...(reports.length < limit ? [] : [reports.at(-1)?.observedAtMs ?? 0]),
    ...(visits.length < limit ? [] : [visits.at(-1)?.startedAtMs ?? 0]),
  ];
  if (ends.length === 0) return { reports, visits, untilMs: null };
  const untilMs = Math.min(...ends);
  return {
    reports: reports.filter(({ observedAtMs }) => observedAtMs <= untilMs),
    visits: visits.filter(({ startedAtMs }) => startedAtMs <= untilMs),
    untilMs,
  };
}

function placeAfter(page: Page, from: RowPlace): RowPlace | null {
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
