import type { EarlierResult } from '../../report/checks/device-files.ts';
import { writtenFigures } from '../../report/checks/written-perfdata.ts';
import { groupBy } from '../../platform/group-by.ts';
import { reportRows, type ReportRows } from '../rows/report-rows.ts';
import type { Session } from '../sql/database.ts';
import { fromSqlTime } from '../sql/sql-time.ts';

const lastReportSql = `SELECT observed_at FROM stats WHERE client = ? AND observed_at < ?
  ORDER BY observed_at DESC LIMIT 1`;
const lastResultSql = `SELECT observed_at, perfdata FROM check_stats
  WHERE client = ? AND observed_at < ? AND check_name = ? AND perfdata <> '' ORDER BY observed_at DESC LIMIT 1`;

/**
 * Returns the rows of a batch, in its order, with the states of checks that depend on earlier results. Reports of the
 * batch count as earlier ones. The transaction has stored none of them yet.
 */
export async function withEarlierResults(
  session: Session,
  batch: readonly ReportRows[],
): Promise<readonly ReportRows[]> {
  if (batch.every(({ asked }) => asked.length === 0)) return batch;
  const done = new Map<ReportRows, ReportRows>();
  for (const own of groupBy(batch, ({ item }) => item.client).values()) {
    const inOrder = own.toSorted((one, other) => (one.observedAt < other.observedAt ? -1 : 1));
    const before: ReportRows[] = [];
    for (const rows of inOrder) {
      const earlier = new Map<string, EarlierResult>();
      for (const check of rows.asked) earlier.set(check, await earlierResult(session, before, rows, check));
      const whole = earlier.size === 0 ? rows : reportRows(rows.item, (check) => earlier.get(check) ?? unknown);
      before.push(whole);
      done.set(rows, whole);
    }
  }
  return batch.map((rows) => done.get(rows) ?? rows);
}

const unknown: EarlierResult = { figures: null, isOfLastReport: false, isFirstReport: false };

async function earlierResult(
  session: Session,
  before: readonly ReportRows[],
  { item, observedAt }: ReportRows,
  check: string,
): Promise<EarlierResult> {
  const { client, observedAtMs } = item;
  const inBatch = before.filter((rows) => rows.item.observedAtMs < observedAtMs);
  const stored = await session.all(lastResultSql, [client, observedAt, check]);
  const results = [
    ...stored.map((row) => ({ atMs: fromSqlTime(row['observed_at']) ?? 0, perfdata: String(row['perfdata']) })),
    ...inBatch.flatMap((rows) =>
      rows.checks
        .filter(({ check_name: name, perfdata }) => name === check && perfdata !== '')
        .map(({ perfdata }) => ({ atMs: rows.item.observedAtMs, perfdata })),
    ),
  ];
  const newest = results.reduce<(typeof results)[number] | null>(
    (last, one) => (last === null || one.atMs > last.atMs ? one : last),
    null,
  );
  const reports = [
    ...(await session.all(lastReportSql, [client, observedAt])).map((row) => fromSqlTime(row['observed_at']) ?? 0),
    ...inBatch.map((rows) => rows.item.observedAtMs),
  ];
  return {
    figures: newest && new Map(writtenFigures(newest.perfdata).map(({ label, value }) => [label, value])),
    isOfLastReport: newest !== null && reports.every((atMs) => atMs <= newest.atMs),
    isFirstReport: reports.length === 0,
  };
}
