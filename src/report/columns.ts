import { metrics, type Metric, type StatsMetricColumn } from './metrics.ts';
import { imageTypes, type Report, type Row } from './report.ts';

/** The values of a report in its row of `stats`; the keys are the columns. null if unknown. */
export interface StatsColumns extends Readonly<Record<StatsMetricColumn, number | null>> {
  readonly hostname: string | null;
  /** The distribution and its version; the kernel's name if there is no distribution. */
  readonly os: string | null;
  /** The used percent of the fullest local mount that is not an image. */
  readonly disk_percent: number | null;
  /** The number of probes with an error. */
  readonly probe_errors: number;
  /** The number of mounts that did not answer; unknown if no disk was reported at all. */
  readonly unresponsive_mounts: number | null;
  /** The temperature of the hottest sensor. */
  readonly temperature_celsius: number | null;
}

/**
 * The labels of a mount. `scope` is `local` or `network`; `mode` is `rw`, `ro`, or `missing` if /etc/fstab names a
 * mount that does not exist.
 */
const diskLabels = ['fstype', 'source', 'scope', 'mode'] as const;

/** The figures of a mount. `unresponsive` is 1 if the mount did not answer. */
export const diskFigures = [
  'size_bytes',
  'used_bytes',
  'available_bytes',
  'used_percent',
  'inodes_percent',
  'unresponsive',
] as const;

/** A row of `disk_stats`; the keys are the columns. */
export type DiskRow = { readonly mount: string } & Columns<typeof diskLabels, string> &
  Columns<typeof diskFigures, number>;

/** True if growth fills a file system: a local, writable one that is neither an image nor memory. */
export function isFilledByGrowth({ scope, mode, fstype, used_bytes, inodes_percent }: DiskRow): boolean {
  const isFilled = scope === 'local' && mode === 'rw' && fstype !== 'tmpfs' && !imageTypes.has(fstype ?? '');
  return isFilled && (used_bytes !== null || inodes_percent !== null);
}

/** The figures of an interface that its probe reports. */
export const networkFigures = [
  'rx_bytes_per_s',
  'tx_bytes_per_s',
  'rx_packets_per_s',
  'tx_packets_per_s',
  'rx_errors_per_s',
  'tx_errors_per_s',
  'rx_drops_per_s',
  'tx_drops_per_s',
  'link_up',
  'speed_bits_per_s',
] as const;

/** A row of `network_stats`; the keys are the columns. `interval_s` is the time over which its rates are averaged. */
export type NetworkRow = { readonly interface: string; readonly interval_s: number | null } & Columns<
  typeof networkFigures,
  number
>;

type Columns<Names extends readonly string[], Value> = Readonly<Record<Names[number], Value | null>>;

type ColumnMetric = Metric & { readonly column: StatsMetricColumn };
const columnMetrics = metrics.filter((metric): metric is ColumnMetric => metric.column !== undefined);

/** A report as columns and rows. */
interface ReportColumns {
  readonly stats: StatsColumns;
  /** A row for each mount. Of two file systems on one mount point the later counts, because it covers the earlier. */
  readonly disks: readonly DiskRow[];
  /** A row for each interface. */
  readonly networks: readonly NetworkRow[];
}

/** Returns the values of a report that have columns. */
export function columnsOf(report: Report): ReportColumns {
  const families = readFamilies(report);
  const disks = disksOf(families);
  return { stats: statsOf(families, disks), disks, networks: networksOf(families) };
}

function statsOf(families: ReportFamilies, disks: readonly DiskRow[]): StatsColumns {
  const values: Partial<Record<StatsMetricColumn, number | null>> = {};
  for (const { column, family, field } of columnMetrics) values[column] = numberOf(families.rowsOf(family)[0], field);
  const [os] = families.rowsOf('os');
  const local = disks.filter(({ scope, fstype }) => scope === 'local' && !imageTypes.has(fstype ?? ''));
  return {
    ...(values as Record<StatsMetricColumn, number | null>),
    hostname: knownText(os, 'hostname'),
    os: knownText(os, 'distribution') ?? knownText(os, 'kernel'),
    disk_percent: greatestOf(local.map(({ used_percent: percent }) => percent)),
    probe_errors: families.failedProbes.length,
    unresponsive_mounts:
      families.of('disk') === null ? null : disks.filter(({ unresponsive }) => unresponsive === 1).length,
    temperature_celsius: greatestOf(families.rowsOf('temperature').map((row) => numberOf(row, 'celsius'))),
  };
}

/** Returns the greatest of the known values; null if none is known. */
function greatestOf(values: readonly (number | null)[]): number | null {
  let greatest: number | null = null;
  for (const value of values) if (value !== null && (greatest === null || value > greatest)) greatest = value;
  return greatest;
}

function disksOf(families: ReportFamilies): readonly DiskRow[] {
  return subjectRows(families.rowsOf('disk'), 'mount').map(([mount, row]) => ({
    mount,
    ...columns(row, diskLabels, knownText),
    ...columns(row, diskFigures, numberOf),
  }));
}

function networksOf(families: ReportFamilies): readonly NetworkRow[] {
  const interval = numberOf(families.rowsOf('cpu')[0], 'interval_s');
  return subjectRows(families.rowsOf('network'), 'interface').map(([name, row]) => ({
    interface: name,
    ...columns(row, networkFigures, numberOf),
    interval_s: typeof row['rx_bytes_per_s'] === 'number' ? interval : null,
  }));
}

function columns<Name extends string, Value>(
  row: Row,
  names: readonly Name[],
  valueOf: (row: Row, name: string) => Value,
): Record<Name, Value> {
  const values: Partial<Record<Name, Value>> = {};
  for (const name of names) values[name] = valueOf(row, name);
  return values as Record<Name, Value>;
}

/** Returns the rows of a family by subject, in the order of their first occurrence. Omits rows without a subject. */
function subjectRows(rows: readonly Row[], label: string): readonly (readonly [string, Row])[] {
  const bySubject = new Map<string, Row>();
  for (const row of rows) {
    const subject = rowLabel(row, label);
    if (subject !== '') bySubject.set(withVisibleEnd(subject), row);
  }
  return [...bySubject];
}

/** Makes the blanks at the end of a name visible: MariaDB does not compare them, so that two names would be one. */
function withVisibleEnd(name: string): string {
  let end = name.length;
  while (name[end - 1] === ' ') end -= 1;
  return name.slice(0, end) + '\u2420'.repeat(name.length - end);
}

function knownText(row: Row | undefined, label: string): string | null {
  return rowLabel(row, label) || null;
}

/** The rows of one family in a report. */
interface FamilyRows {
  readonly rows: readonly Row[];
  /** True if no row is missing: the probe had no error, omitted no subject, and could list the subjects. */
  readonly whole: boolean;
}

export interface ReportFamilies {
  readonly of: (family: string) => FamilyRows | null;
  /** The rows of a family; none for a family that is not in the report. */
  readonly rowsOf: (family: string) => readonly Row[];
  /** The probes that had an error, with the error. */
  readonly failedProbes: readonly (readonly [name: string, error: string])[];
}

/** Returns the families of a report. A family in two worker reports is whole if both are. */
export function readFamilies(report: Pick<Report, 'worker_reports'>): ReportFamilies {
  const families = new Map<string, FamilyRows>();
  const failedProbes: (readonly [string, string])[] = [];
  for (const { name: probe, error, function_reports: functions } of report.worker_reports) {
    if (error !== null) failedProbes.push([probe, error]);
    for (const { name, data, omitted = 0, unknown = [] } of functions) {
      const whole = error === null && omitted === 0 && (data.length > 0 || unknown.length === 0);
      const known = families.get(name);
      families.set(
        name,
        known === undefined ? { rows: data, whole } : { rows: [...known.rows, ...data], whole: known.whole && whole },
      );
    }
  }
  return {
    of: (family) => families.get(family) ?? null,
    rowsOf: (family) => families.get(family)?.rows ?? [],
    failedProbes,
  };
}

/** Returns a figure of a row; null if it is unknown. */
export function numberOf(row: Row | undefined, field: string): number | null {
  const value = row?.[field];
  return typeof value === 'number' ? value : null;
}

/** Returns a label of a row; empty if it is unknown. */
export function rowLabel(row: Row | undefined, label: string): string {
  const value = row?.[label];
  return typeof value === 'string' ? value : '';
}
