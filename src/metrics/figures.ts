import type { FamilyGroup } from '../config/config.ts';
import type { ExportedTable } from '../storage/store/figure-store.ts';
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

function figure(
  table: FigureFamily['table'],
  column: string,
  family: Omit<FigureFamily, 'kind' | 'table' | 'column' | 'group' | 'type' | 'labels' | 'rollup' | 'convert'> &
    Partial<Pick<FigureFamily, 'rollup' | 'convert'>>,
): FigureFamily {
  const convert = family.unit === 'ratio' ? ratio : same;
  return { kind: 'figure', type: 'gauge', table, column, ...byTable[table], rollup: 'mean', convert, ...family };
}

const byTable = {
  stats: { group: 'client', labels: ['client'] },
  check_stats: { group: 'check', labels: ['client', 'check'] },
  disk_stats: { group: 'disk', labels: ['client', 'mount', 'fstype'] },
  network_stats: { group: 'network', labels: ['client', 'interface'] },
} as const;

/** The families of columns, the most needed first. */
export const figures: readonly FigureFamily[] = [
  figure('stats', 'cpu_percent', {
    name: 'cpu_used_ratio',
    unit: 'ratio',
    help: 'CPU time not idle and not waiting for I/O since the visit before, of all CPUs.',
  }),
  figure('stats', 'memory_percent', {
    name: 'memory_used_ratio',
    unit: 'ratio',
    help: 'Memory that is not available, of all.',
  }),
  figure('stats', 'swap_percent', {
    name: 'swap_used_ratio',
    unit: 'ratio',
    help: 'Swap in use, of all; absent without swap.',
  }),
  figure('stats', 'load5', { name: 'load5', unit: null, help: 'Load average over 5 minutes.' }),
  figure('stats', 'cpus', { name: 'cpus', unit: null, help: 'CPUs.' }),
  figure('stats', 'failed_units', { name: 'failed_units', unit: null, help: 'Units of systemd in state failed.' }),
  figure('stats', 'reboot_required', {
    name: 'reboot_required',
    unit: null,
    help: '1 if the system says that it wants a reboot.',
  }),
  figure('stats', 'uptime_s', {
    name: 'boot_time_seconds',
    unit: 'seconds',
    help: 'When the machine was booted, exact to a second or two.',
    rollup: null,
    convert: (uptime, observedAtMs) => Math.round(observedAtMs / 1000 - uptime),
  }),
  figure('stats', 'clock_offset_ms', {
    name: 'clock_offset_seconds',
    unit: 'seconds',
    help: "The client's clock less the collector's.",
    rollup: null,
    convert: (offsetMs) => offsetMs / 1000,
  }),
  figure('stats', 'load1', { name: 'load1', unit: null, help: 'Load average over 1 minute.' }),
  figure('stats', 'load15', { name: 'load15', unit: null, help: 'Load average over 15 minutes.' }),
  figure('stats', 'oom_kills', {
    name: 'oom_kills',
    unit: null,
    help: 'Processes that the kernel killed for want of memory since the visit before.',
  }),
  figure('stats', 'pressure_cpu_percent', {
    name: 'pressure_cpu_ratio',
    unit: 'ratio',
    help: 'Time of the last minute in which a task waited for a CPU.',
  }),
  figure('stats', 'pressure_memory_percent', {
    name: 'pressure_memory_ratio',
    unit: 'ratio',
    help: 'The same for memory.',
  }),
  figure('stats', 'pressure_io_percent', { name: 'pressure_io_ratio', unit: 'ratio', help: 'The same for disks.' }),
  figure('stats', 'open_files_percent', {
    name: 'open_files_used_ratio',
    unit: 'ratio',
    help: 'Open files, of the limit of the whole system.',
  }),
  figure('stats', 'conntrack_percent', {
    name: 'conntrack_used_ratio',
    unit: 'ratio',
    help: 'Tracked connections, of the greatest number.',
  }),
  figure('stats', 'clock_synchronised', {
    name: 'clock_synchronised',
    unit: null,
    help: '1 if a time service says that the clock is synchronised.',
  }),
  figure('check_stats', 'state', {
    name: 'check_state',
    unit: null,
    help: 'The newest result of a check: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN or not allowed to run.',
    rollup: 'max',
  }),
  figure('disk_stats', 'used_percent', {
    name: 'filesystem_used_ratio',
    unit: 'ratio',
    help: 'Used, of used and available, as df shows it.',
  }),
  figure('disk_stats', 'available_bytes', {
    name: 'filesystem_available_bytes',
    unit: 'bytes',
    help: 'What a user without privileges can write.',
  }),
  figure('disk_stats', 'size_bytes', {
    name: 'filesystem_size_bytes',
    unit: 'bytes',
    help: 'Size of the file system.',
  }),
  figure('disk_stats', 'inodes_percent', {
    name: 'filesystem_inodes_used_ratio',
    unit: 'ratio',
    help: 'Inodes in use, of all.',
  }),
  figure('network_stats', 'rx_bytes_per_s', {
    name: 'network_receive_bytes_per_second',
    unit: 'bytes_per_second',
    help: 'Received since the visit before.',
  }),
  figure('network_stats', 'tx_bytes_per_s', {
    name: 'network_transmit_bytes_per_second',
    unit: 'bytes_per_second',
    help: 'Sent since the visit before.',
  }),
];
