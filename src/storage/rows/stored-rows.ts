import type { DiskRow, NetworkRow } from '../../report/columns.ts';
import type { CheckStat } from '../../checks/checks.ts';
import type { StatsFigure, UnprocessedReport, UnprocessedVisit } from '../store/evaluation-store.ts';
import { forIds } from '../sql/by-ids.ts';
import { numberOrNull, textOrNull } from './columns.ts';
import { groupBy } from '../../platform/group-by.ts';
import { dayMs } from '../../platform/units.ts';
import { forChunks } from '../sql/insert-rows.ts';
import { networkFigures, statsFigures } from './report-rows.ts';
import { fromSqlTime, sqlTime } from '../sql/sql-time.ts';
import type { Session, SqlCells, SqlRow } from '../sql/database.ts';

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
const keyCount = storedReportKeys.length;
/** The columns of `visits` that storedVisits reads. */
export const storedVisitColumns = ['id', 'client', 'run_id', 'started_at', 'ok', 'stage', 'code', 'message'];

/** Returns a reader of rows of `stats` with storedReportKeys and then these figures. The other figures are null. */
export function reportReader(figures: readonly StatsFigure[]): (cells: SqlCells) => UnprocessedReport {
  const at = Object.fromEntries(
    statsFigures.map((figure) => [figure, figures.includes(figure) ? keyCount + figures.indexOf(figure) : -1]),
  ) as Record<StatsFigure, number>;
  // Each is named because millions of rows are read.
  return (cells) => ({
    id: Number(cells[0]),
    client: String(cells[1]),
    reportId: String(cells[2]),
    runId: String(cells[3]),
    observedAtMs: fromSqlTime(cells[4]) ?? 0,
    receivedAtMs: fromSqlTime(cells[5]) ?? 0,
    clockOffsetMs: numberOrNull(cells[6]),
    bootId: textOrNull(cells[7]),
    uptime_s: figureAt(cells, at.uptime_s),
    cpu_percent: figureAt(cells, at.cpu_percent),
    memory_percent: figureAt(cells, at.memory_percent),
    swap_percent: figureAt(cells, at.swap_percent),
    load1: figureAt(cells, at.load1),
    load5: figureAt(cells, at.load5),
    load15: figureAt(cells, at.load15),
    disk_percent: figureAt(cells, at.disk_percent),
    processes: figureAt(cells, at.processes),
    cpus: figureAt(cells, at.cpus),
    interval_s: figureAt(cells, at.interval_s),
    failed_units: figureAt(cells, at.failed_units),
    probe_errors: figureAt(cells, at.probe_errors) ?? 0,
    unresponsive_mounts: figureAt(cells, at.unresponsive_mounts),
    reboot_required: figureAt(cells, at.reboot_required),
    oom_kills: figureAt(cells, at.oom_kills),
    pressure_cpu_percent: figureAt(cells, at.pressure_cpu_percent),
    pressure_memory_percent: figureAt(cells, at.pressure_memory_percent),
    pressure_io_percent: figureAt(cells, at.pressure_io_percent),
    open_files_percent: figureAt(cells, at.open_files_percent),
    conntrack_percent: figureAt(cells, at.conntrack_percent),
    clock_synchronised: figureAt(cells, at.clock_synchronised),
    temperature_celsius: figureAt(cells, at.temperature_celsius),
  });
}

/** The columns are typed by what wrote them. */
function figureAt(cells: SqlCells, place: number): number | null {
  return place < 0 ? null : ((cells[place] ?? null) as number | null);
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

/** See EvaluationStore.disksOf. */
export async function disksOf(
  session: Session,
  ids: readonly number[],
): Promise<ReadonlyMap<number, readonly DiskRow[]>> {
  const rows = await forIds('stat_id', ids, (where, values) =>
    session.cells(
      `SELECT stat_id, ${diskColumns.join(', ')} FROM disk_stats WHERE ${where} ORDER BY stat_id, ordinal`,
      values,
    ),
  );
  const disks = new Map<number, DiskRow[]>();
  for (const cells of rows) {
    const id = Number(cells[0]);
    const own = disks.get(id);
    if (own === undefined) disks.set(id, [storedDisk(cells)]);
    else own.push(storedDisk(cells));
  }
  return disks;
}

const diskColumns = [
  'mount',
  'fstype',
  'source',
  'scope',
  'mode',
  'size_bytes',
  'used_bytes',
  'available_bytes',
  'used_percent',
  'inodes_percent',
  'unresponsive',
] as const;

/** Reads the cells of `stat_id` and diskColumns. Each is named because millions of mounts are read. */
function storedDisk(cells: SqlCells): DiskRow {
  return {
    mount: String(cells[1]),
    fstype: textOrNull(cells[2]),
    source: textOrNull(cells[3]),
    scope: textOrNull(cells[4]),
    mode: textOrNull(cells[5]),
    size_bytes: numberOrNull(cells[6]),
    used_bytes: numberOrNull(cells[7]),
    available_bytes: numberOrNull(cells[8]),
    used_percent: numberOrNull(cells[9]),
    inodes_percent: numberOrNull(cells[10]),
    unresponsive: numberOrNull(cells[11]),
  };
}

/** See EvaluationStore.networksOf. */
export async function networksOf(
  session: Session,
  ids: readonly number[],
): Promise<ReadonlyMap<number, readonly NetworkRow[]>> {
  return subjectsOf<NetworkRow>(session, 'network_stats', ['interface', ...networkFigures], ids);
}

/** See EvaluationStore.checksOf. */
export async function checksOf(
  session: Session,
  ids: readonly number[],
): Promise<ReadonlyMap<number, readonly CheckStat[]>> {
  return subjectsOf<CheckStat>(session, 'check_stats', checkColumns, ids);
}

const dayBeforeSql = `SELECT id FROM stats WHERE client = ? AND observed_at <= ?
  ORDER BY observed_at DESC, id DESC LIMIT 1`;

/** See EvaluationStore.checksDayBefore. Few rows of a fleet have figures that may have grown. */
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

async function subjectsOf<Row>(
  session: Session,
  table: string,
  columns: readonly string[],
  ids: readonly number[],
): Promise<ReadonlyMap<number, readonly Row[]>> {
  const rows = await forIds('stat_id', ids, (where, values) =>
    session.all(`SELECT stat_id, ${columns.join(', ')} FROM ${table} WHERE ${where} ORDER BY stat_id, ordinal`, values),
  );
  // A row carries stat_id beside what Row names; copying millions of rows to leave it out would cost more than it
  // helps.
  return groupBy(rows, (row) => Number(row['stat_id'])) as unknown as ReadonlyMap<number, readonly Row[]>;
}

const exportSql = `SELECT source FROM disk_stats WHERE client = ? AND mount = ? AND scope = 'network'
  ORDER BY observed_at DESC LIMIT 1`;

const systemSql = 'SELECT os FROM stats WHERE client = ? ORDER BY observed_at DESC, id DESC LIMIT 1';

/** See NotificationStore.systemsOf. */
export async function systemsOf(session: Session, clients: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const systems = new Map<string, string>();
  for (const client of clients) {
    const [row] = await session.all(systemSql, [client]);
    const system = textOrNull(row?.['os']);
    if (system !== null) systems.set(client, system);
  }
  return systems;
}

/** See NotificationStore.exportsOf. */
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
