import { type ComputedFigure, diskFigures, networkFigures, type StatsFigure, statsFigures } from './metrics.ts';
import { imageTypes, type Report, type Row } from './report.ts';

/** The values of a report in its row of `stats`; the keys are the columns. null if unknown. */
export interface StatsColumns extends Readonly<Record<StatsFigure, number | null>> {
  readonly hostname: string | null;
  /** The distribution and its version; the kernel's name if there is no distribution. */
  readonly os: string | null;
  readonly probe_errors: number;
}

/**
 * The labels of a mount. `scope` is `local` or `network`; `mode` is `rw`, `ro`, or `missing` if /etc/fstab names a
 * mount that does not exist.
 */
const diskLabels = ['fstype', 'source', 'scope', 'mode'] as const;

/** A row of `disk_stats`; the keys are the columns. `unresponsive` is 1 if the mount did not answer. */
export type DiskRow = { readonly mount: string } & Columns<typeof diskLabels, string> &
  Columns<typeof diskFigures, number>;

/** True if growth fills a file system: a local, writable one that is neither an image nor memory. */
export function isFilledByGrowth({ scope, mode, fstype, used_bytes, inodes_percent }: DiskRow): boolean {
  const isFilled = scope === 'local' && mode === 'rw' && fstype !== 'tmpfs' && !imageTypes.has(fstype ?? '');
  return isFilled && (used_bytes !== null || inodes_percent !== null);
}

/** A row of `network_stats`; the keys are the columns. `interval_s` is the time over which its rates are averaged. */
export type NetworkRow = { readonly interface: string; readonly interval_s: number | null } & Columns<
  typeof networkFigures,
  number
>;

type Columns<Names extends readonly string[], Value> = Readonly<Record<Names[number], Value | null>>;

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

const readFigures = Object.entries(statsFigures).flatMap(([column, { of }]) =>
  of === null ? [] : [{ column: column as StatsFigure, family: of[0], field: of[1] }],
);

function statsOf(families: ReportFamilies, disks: readonly DiskRow[]): StatsColumns {
  const read: Partial<Record<StatsFigure, number | null>> = {};
  for (const { column, family, field } of readFigures) read[column] = numberOf(families.rowsOf(family)[0], field);
  const [os] = families.rowsOf('os');
  const local = disks.filter(({ scope, fstype }) => scope === 'local' && !imageTypes.has(fstype ?? ''));
  const computed = {
    disk_percent: greatestOf(local.map(({ used_percent: percent }) => percent)),
    probe_errors: families.failedProbes.length,
    unresponsive_mounts:
      families.of('disk') === null ? null : disks.filter(({ unresponsive }) => unresponsive === 1).length,
    temperature_celsius: greatestOf(families.rowsOf('temperature').map((row) => numberOf(row, 'celsius'))),
  } satisfies Record<ComputedFigure, number | null>;
  return {
    ...(read as Record<Exclude<StatsFigure, ComputedFigure>, number | null>),
    ...computed,
    hostname: knownText(os, 'hostname'),
    os: knownText(os, 'distribution') ?? knownText(os, 'kernel'),
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
