import type { Report } from '../../report/report.ts';
import type { ExcerptSubject } from '../store/notification-store.ts';
import type { DiskRow, NetworkRow } from '../../report/columns.ts';
import { diskFigures, type StatsFigure, statsFigureNames } from '../../report/metrics.ts';
import type { CheckStat } from '../../report/checks/checks.ts';
import type { UnprocessedReport, UnprocessedVisit } from '../store/evaluation-store.ts';
import { forIds } from '../sql/by-ids.ts';
import { isObject } from '../../platform/parse-json.ts';
import { json, numberOrNull, textOrNull } from '../store/record-shape.ts';
import { groupBy } from '../../platform/group-by.ts';
import { dayMs } from '../../platform/units.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { networkFigures } from '../sql/rollups.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { Session, SqlRow } from '../sql/database.ts';

/** The columns of `stats` that storedReport reads beside figures. */
export const storedReportKeys = [
  'id',
  'client',
  'report_id',
  'run_id',
  'observed_at',
  'received_at',
  'clock_offset_ms',
  'boot_id',
] as const;
/** All columns of `stats` that storedReport reads. */
export const storedReportColumns = [...storedReportKeys, ...statsFigureNames];
/** The columns of `visits` that storedVisits reads. */
export const storedVisitColumns = ['id', 'client', 'run_id', 'started_at', 'ok', 'stage', 'code', 'message'];

/** A report of which nothing is known. A copy of it has the form of all reports, which is what makes reading fast. */
const unread: UnprocessedReport = {
  ...{
    id: 0,
    client: '',
    reportId: '',
    runId: '',
    observedAtMs: 0,
    receivedAtMs: 0,
    clockOffsetMs: null,
    bootId: null,
  },
  ...(Object.fromEntries(statsFigureNames.map((name) => [name, null])) as Record<StatsFigure, null>),
  probe_errors: 0,
};

/** Reads a row of `stats` with some figures. The others are null. */
export function storedReport(row: SqlRow, figures: readonly StatsFigure[] = statsFigureNames): UnprocessedReport {
  const read: { -readonly [Key in keyof UnprocessedReport]: UnprocessedReport[Key] } = { ...unread };
  read.id = Number(row['id']);
  read.client = String(row['client']);
  read.reportId = String(row['report_id']);
  read.runId = String(row['run_id']);
  read.observedAtMs = fromSqlTime(row['observed_at']) ?? 0;
  read.receivedAtMs = fromSqlTime(row['received_at']) ?? 0;
  read.clockOffsetMs = numberOrNull(row['clock_offset_ms']);
  read.bootId = textOrNull(row['boot_id']);
  // The program wrote the columns, so their types are known.
  for (const name of figures) read[name] = (row[name] ?? unread[name]) as number;
  return read;
}

/** Reads rows of `visits`, with the scope of their runs. */
export async function storedVisits(session: Session, rows: readonly SqlRow[]): Promise<readonly UnprocessedVisit[]> {
  const runIds = [...new Set(rows.map((row) => String(row['run_id'])))];
  const runs = await forChunks(runIds, (chunk, marks) =>
    session.all(`SELECT id FROM runs WHERE scope = 'full' AND id IN (${marks})`, chunk),
  );
  const full = new Set(runs.map((row) => String(row['id'])));
  return rows.map((row) => ({
    id: Number(row['id']),
    client: String(row['client']),
    runId: String(row['run_id']),
    full: full.has(String(row['run_id'])),
    startedAtMs: fromSqlTime(row['started_at']) ?? 0,
    ok: row['ok'] === 1,
    stage: textOrNull(row['stage']),
    code: textOrNull(row['code']),
    message: textOrNull(row['message']),
  }));
}

/** Implements EvaluationStore.disksOf. */
export async function disksOf(
  session: Session,
  ids: readonly number[],
): Promise<ReadonlyMap<number, readonly DiskRow[]>> {
  return subjectsOf<DiskRow>(session, 'disk_stats', diskColumns, ids);
}

/** Implements EvaluationStore.networksOf. */
export async function networksOf(
  session: Session,
  ids: readonly number[],
): Promise<ReadonlyMap<number, readonly NetworkRow[]>> {
  return subjectsOf<NetworkRow>(session, 'network_stats', ['interface', ...networkFigures], ids);
}

/** Implements EvaluationStore.checksOf. */
export async function checksOf(
  session: Session,
  ids: readonly number[],
): Promise<ReadonlyMap<number, readonly CheckStat[]>> {
  return subjectsOf<CheckStat>(session, 'check_stats', checkColumns, ids);
}

const dayBeforeSql = `SELECT id FROM stats WHERE client = ? AND observed_at <= ?
  ORDER BY observed_at DESC, id DESC LIMIT 1`;

/** Implements EvaluationStore.checksDayBefore. Few rows of a fleet have figures that can have grown. */
export async function checksDayBefore(
  session: Session,
  rows: readonly Pick<UnprocessedReport, 'id' | 'client' | 'observedAtMs'>[],
): Promise<ReadonlyMap<number, readonly CheckStat[]>> {
  const before = new Map<number, number>();
  for (const { id, client, observedAtMs } of rows) {
    const [found] = await session.all(dayBeforeSql, [client, sqlTime(observedAtMs - dayMs)]);
    if (found !== undefined) before.set(id, Number(found['id']));
  }
  const checks = await checksOf(session, [...new Set(before.values())]);
  return new Map([...before].map(([id, earlier]) => [id, checks.get(earlier) ?? []]));
}

const checkColumns = ['check_name', 'state', 'text', 'perfdata', 'age_s', 'refused'];
const diskColumns = ['mount', 'fstype', 'source', 'scope', 'mode', ...diskFigures];

async function subjectsOf<Row>(
  session: Session,
  table: string,
  columns: readonly string[],
  ids: readonly number[],
): Promise<ReadonlyMap<number, readonly Row[]>> {
  const rows = await forIds('stat_id', ids, (where, values) =>
    session.all(`SELECT stat_id, ${columns.join(', ')} FROM ${table} WHERE ${where} ORDER BY stat_id, ordinal`, values),
  );
  // A row has stat_id besides the fields of Row. Copying millions of rows to remove the column would cost too much.
  return groupBy(rows, (row) => Number(row['stat_id'])) as unknown as ReadonlyMap<number, readonly Row[]>;
}

const exportSql = `SELECT source FROM disk_stats WHERE client = ? AND mount = ? AND scope = 'network'
  ORDER BY observed_at DESC LIMIT 1`;

const systemSql = 'SELECT os FROM stats WHERE client = ? ORDER BY observed_at DESC, id DESC LIMIT 1';

/** Implements NotificationStore.systemsOf. */
export async function systemsOf(session: Session, clients: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const systems = new Map<string, string>();
  for (const client of clients) {
    const [row] = await session.all(systemSql, [client]);
    const system = textOrNull(row?.['os']);
    if (system !== null) systems.set(client, system);
  }
  return systems;
}

const newestSql = '(SELECT id FROM stats WHERE client = ? ORDER BY observed_at DESC, id DESC LIMIT 1)';
const checkTextSql = `SELECT text FROM check_stats WHERE stat_id = ${newestSql} AND check_name = ?`;
const newestReportSql = `SELECT report FROM reports WHERE stat_id = ${newestSql}`;

/** Implements NotificationStore.excerptsOf. */
export async function excerptsOf(
  session: Session,
  subjects: readonly ExcerptSubject[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const excerpts = new Map<string, readonly string[]>();
  for (const { client, subject, isUnit } of subjects) {
    const [row] = await session.all(isUnit ? newestReportSql : checkTextSql, isUnit ? [client] : [client, subject]);
    const lines = isUnit
      ? linesOfUnit(row?.['report'], subject)
      : (textOrNull(row?.['text']) ?? '').split('\n').slice(1);
    if (lines.length > 0) excerpts.set(`${client}\0${subject}`, lines);
  }
  return excerpts;
}

/** Returns the lines about a unit in a stored report, which was checked before it was stored. */
function linesOfUnit(report: unknown, unit: string): readonly string[] {
  if (typeof report !== 'string') return [];
  const read = json(report);
  const families = isObject(read)
    ? (read as unknown as Report).worker_reports.flatMap(({ function_reports: functions }) => functions)
    : [];
  const rows = families.flatMap(({ name, data }) => (name === 'unit_line' ? data : []));
  return rows.flatMap(({ unit: of, text }) => (of === unit && typeof text === 'string' ? text : []));
}

/** Implements NotificationStore.exportsOf. */
export async function exportsOf(
  session: Session,
  mounts: readonly { readonly client: string; readonly mount: string }[],
): Promise<ReadonlyMap<string, string>> {
  const exports = new Map<string, string>();
  for (const { client, mount } of mounts) {
    const [row] = await session.all(exportSql, [client, mount]);
    const source = textOrNull(row?.['source']);
    if (source !== null) exports.set(`${client}\0${mount}`, source);
  }
  return exports;
}
