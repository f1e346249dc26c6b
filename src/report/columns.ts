import { metrics, type Metric, type StatsMetricColumn } from './metrics.ts';
import { imageTypes, type Report, type Row } from './report.ts';

/** The values of a report in its row of `stats`; the keys are the columns. null if unknown. */
export interface StatsColumns extends Readonly<Record<StatsMetricColumn, number | null>> {
  readonly hostname: string | null;
  /** Distribution and its version; the kernel's name where there is no distribution. */
  readonly os: string | null;
  /** Used percent of the fullest local mount that is no image. */
  readonly disk_percent: number | null;
  /** Probes that had an error. */
  readonly probe_errors: number;
  /** Mounts that did not answer; unknown when no disk was reported at all. */
  readonly unresponsive_mounts: number | null;
}

/** A row of `disk_stats`; the keys are the columns. */
export interface DiskRow {
  readonly mount: string;
  readonly fstype: string | null;
  readonly source: string | null;
  /** `local` or `network`. */
  readonly scope: string | null;
  /** `rw`, `ro`, or `missing`: /etc/fstab names the mount, and it is not there. */
  readonly mode: string | null;
  readonly size_bytes: number | null;
  readonly used_bytes: number | null;
  readonly available_bytes: number | null;
  readonly used_percent: number | null;
  readonly inodes_percent: number | null;
  /** 1: the mount did not answer. */
  readonly unresponsive: number | null;
}

/** A row of `network_stats`; the keys are the columns. */
export interface NetworkRow {
  readonly interface: string;
  readonly rx_bytes_per_s: number | null;
  readonly tx_bytes_per_s: number | null;
  readonly rx_packets_per_s: number | null;
  readonly tx_packets_per_s: number | null;
  readonly rx_errors_per_s: number | null;
  readonly tx_errors_per_s: number | null;
  readonly rx_drops_per_s: number | null;
  readonly tx_drops_per_s: number | null;
  readonly link_up: number | null;
  readonly speed_bits_per_s: number | null;
  /** The time that its rates are averages of. */
  readonly interval_s: number | null;
}

type ColumnMetric = Metric & { readonly column: StatsMetricColumn };
const columnMetrics = metrics.filter((metric): metric is ColumnMetric => metric.column !== undefined);

/** A report as columns and rows. */
export interface ReportColumns {
  readonly stats: StatsColumns;
  /** A row for each mount. The later of two file systems on one mount point counts: it covers the earlier. */
  readonly disks: readonly DiskRow[];
  /** A row for each interface. */
  readonly networks: readonly NetworkRow[];
}

/** Returns the values of a report that have columns. */
export function columnsOf(report: Report): ReportColumns {
  const families = rowsByFamily(report);
  const disks = disksOf(families);
  return { stats: statsOf(report, families, disks), disks, networks: networksOf(families) };
}

function statsOf(report: Report, families: Families, disks: readonly DiskRow[]): StatsColumns {
  const columns: Partial<Record<StatsMetricColumn, number | null>> = {};
  for (const { column, family, field } of columnMetrics) columns[column] = numberOf(families.get(family)?.[0], field);
  const os = families.get('os')?.[0];
  let fullest: number | null = null;
  for (const { scope, fstype, used_percent: percent } of disks) {
    if (scope === 'local' && percent !== null && !imageTypes.has(fstype ?? ''))
      fullest = Math.max(fullest ?? percent, percent);
  }
  return {
    ...(columns as Record<StatsMetricColumn, number | null>),
    hostname: textOf(os, 'hostname'),
    os: textOf(os, 'distribution') ?? textOf(os, 'kernel'),
    disk_percent: fullest,
    probe_errors: report.worker_reports.filter(({ error }) => error !== null).length,
    unresponsive_mounts: families.has('disk') ? disks.filter(({ unresponsive }) => unresponsive === 1).length : null,
  };
}

function disksOf(families: Families): readonly DiskRow[] {
  return subjectRows(families.get('disk'), 'mount').map(([mount, row]) => ({
    mount,
    fstype: textOf(row, 'fstype'),
    source: textOf(row, 'source'),
    scope: textOf(row, 'scope'),
    mode: textOf(row, 'mode'),
    size_bytes: numberOf(row, 'size_bytes'),
    used_bytes: numberOf(row, 'used_bytes'),
    available_bytes: numberOf(row, 'available_bytes'),
    used_percent: numberOf(row, 'used_percent'),
    inodes_percent: numberOf(row, 'inodes_percent'),
    unresponsive: numberOf(row, 'unresponsive'),
  }));
}

function networksOf(families: Families): readonly NetworkRow[] {
  const interval = numberOf(families.get('cpu')?.[0], 'interval_s');
  return subjectRows(families.get('network'), 'interface').map(([name, row]) => ({
    interface: name,
    rx_bytes_per_s: numberOf(row, 'rx_bytes_per_s'),
    tx_bytes_per_s: numberOf(row, 'tx_bytes_per_s'),
    rx_packets_per_s: numberOf(row, 'rx_packets_per_s'),
    tx_packets_per_s: numberOf(row, 'tx_packets_per_s'),
    rx_errors_per_s: numberOf(row, 'rx_errors_per_s'),
    tx_errors_per_s: numberOf(row, 'tx_errors_per_s'),
    rx_drops_per_s: numberOf(row, 'rx_drops_per_s'),
    tx_drops_per_s: numberOf(row, 'tx_drops_per_s'),
    link_up: numberOf(row, 'link_up'),
    speed_bits_per_s: numberOf(row, 'speed_bits_per_s'),
    interval_s: typeof row['rx_bytes_per_s'] === 'number' ? interval : null,
  }));
}

type Families = ReadonlyMap<string, readonly Row[]>;

function rowsByFamily(report: Report): Families {
  const families = new Map<string, Row[]>();
  for (const worker of report.worker_reports) {
    for (const { name, data } of worker.function_reports) {
      const rows = families.get(name);
      if (rows === undefined) families.set(name, [...data]);
      else rows.push(...data);
    }
  }
  return families;
}

/** The rows of a family by subject, in the order of their first mention; rows without a subject are left out. */
function subjectRows(rows: readonly Row[] | undefined, label: string): readonly (readonly [string, Row])[] {
  const bySubject = new Map<string, Row>();
  for (const row of rows ?? []) {
    const subject = textOf(row, label);
    if (subject !== null) bySubject.set(subject, row);
  }
  return [...bySubject];
}

function numberOf(row: Row | undefined, field: string): number | null {
  const value = row?.[field];
  return typeof value === 'number' ? value : null;
}

function textOf(row: Row | undefined, label: string): string | null {
  const value = row?.[label];
  return typeof value === 'string' && value !== '' ? value : null;
}
