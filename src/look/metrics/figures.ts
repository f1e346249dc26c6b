import type { FamilyGroup } from '../../config/config.ts';
import { metricOf, type Unit } from '../../report/metrics.ts';
import type { ExportedTable } from '../../storage/store/figure-store.ts';
import type { Rollup } from './history-tables.ts';

export type Labels = Readonly<Record<string, string>>;

export interface FamilyBase {
  /** The name without the prefix. */
  readonly name: string;
  readonly group: FamilyGroup;
  readonly type: 'gauge' | 'info';
  /** The unit, which ends the name too; null if there is none. */
  readonly unit: 'seconds' | 'bytes' | 'ratio' | 'bytes_per_second' | null;
  readonly help: string;
  readonly labels: readonly string[];
}

/** A family of one column of reports. Its series end with the client's reports. Exports contain it. */
export interface FigureFamily extends FamilyBase {
  readonly kind: 'figure';
  readonly table: Exclude<ExportedTable, 'samples'>;
  readonly column: string;
  /** The figure of hours and days that is exported; null if hours and days lack it. */
  readonly rollup: Rollup | null;
  readonly convert: (stored: number, observedAtMs: number) => number;
}

const same = (stored: number): number => stored;

/** Returns a percentage as a ratio, without the last digits that the division adds. */
function ratio(percent: number): number {
  return Number((percent / 100).toPrecision(15));
}

const byTable = {
  stats: { group: 'client', labels: ['client'] },
  check_stats: { group: 'check', labels: ['client', 'check'] },
  disk_stats: { group: 'disk', labels: ['client', 'mount', 'fstype'] },
  network_stats: { group: 'network', labels: ['client', 'interface'] },
} as const;

/** Returns the family of a column whose values no metric has. */
function columnFamily(
  table: FigureFamily['table'],
  column: string,
  family: Pick<FigureFamily, 'name' | 'unit' | 'help'> & Partial<Pick<FigureFamily, 'rollup' | 'convert'>>,
): FigureFamily {
  return { kind: 'figure', type: 'gauge', table, column, ...byTable[table], rollup: 'mean', convert: same, ...family };
}

/** The units of Prometheus for units of metrics; other metrics have none. */
const units: Partial<Readonly<Record<Unit, FamilyBase['unit']>>> = {
  percent: 'ratio',
  bytes: 'bytes',
  bytes_per_second: 'bytes_per_second',
};

/** Returns the family of a metric, with its help. */
function figure(name: string, family: string, field: string): FigureFamily {
  const metric = metricOf(family, field);
  if (metric === null) throw new Error(`there is no metric ${family}_${field}`);
  const table = family === 'disk' || family === 'network' ? (`${family}_stats` as const) : 'stats';
  const { unit, help, column = field } = metric;
  const convert = unit === 'percent' ? ratio : same;
  return columnFamily(table, column, { name, unit: units[unit] ?? null, help, convert });
}

/** The families of columns, the most needed first. */
export const figures: readonly FigureFamily[] = [
  figure('cpu_used_ratio', 'cpu', 'used_percent'),
  figure('memory_used_ratio', 'memory', 'used_percent'),
  figure('swap_used_ratio', 'swap', 'used_percent'),
  figure('load5', 'load', 'load5'),
  figure('cpus', 'cpu', 'cpus'),
  figure('failed_units', 'services', 'failed_units'),
  figure('reboot_required', 'os', 'reboot_required'),
  columnFamily('stats', 'uptime_s', {
    name: 'boot_time_seconds',
    unit: 'seconds',
    help: 'When the machine was booted, exact to a second or two.',
    rollup: null,
    convert: (uptime, observedAtMs) => Math.round(observedAtMs / 1000 - uptime),
  }),
  columnFamily('stats', 'clock_offset_ms', {
    name: 'clock_offset_seconds',
    unit: 'seconds',
    help: "The client's clock less the collector's.",
    rollup: null,
    convert: (offsetMs) => offsetMs / 1000,
  }),
  figure('load1', 'load', 'load1'),
  figure('load15', 'load', 'load15'),
  figure('oom_kills', 'kernel', 'oom_kills'),
  figure('pressure_cpu_ratio', 'pressure', 'cpu_percent'),
  figure('pressure_memory_ratio', 'pressure', 'memory_percent'),
  figure('pressure_io_ratio', 'pressure', 'io_percent'),
  figure('open_files_used_ratio', 'kernel', 'open_files_percent'),
  figure('conntrack_used_ratio', 'kernel', 'conntrack_percent'),
  figure('clock_synchronised', 'clock', 'synchronised'),
  columnFamily('check_stats', 'state', {
    name: 'check_state',
    unit: null,
    help: 'The newest result of a check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN or not allowed to run.',
    rollup: 'max',
  }),
  figure('filesystem_used_ratio', 'disk', 'used_percent'),
  figure('filesystem_available_bytes', 'disk', 'available_bytes'),
  figure('filesystem_size_bytes', 'disk', 'size_bytes'),
  figure('filesystem_inodes_used_ratio', 'disk', 'inodes_percent'),
  figure('network_receive_bytes_per_second', 'network', 'rx_bytes_per_s'),
  figure('network_transmit_bytes_per_second', 'network', 'tx_bytes_per_s'),
];
