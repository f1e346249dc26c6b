import type { FamilyGroup } from '../config/config.ts';
import type { FigureTable } from '../storage/store/look-store.ts';
import type { FleetFacts } from './fleet-facts.ts';

/** The beginning of every name. */
export const prefix = 'fleet_health_';

export type Labels = Readonly<Record<string, string>>;

/** A value with its labels; client names, mounts and the like are as they were reported. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

interface FamilyBase {
  /** Without the prefix. */
  readonly name: string;
  readonly group: FamilyGroup;
  readonly type: 'gauge' | 'info';
  /** A name with a unit ends with the unit. */
  readonly unit: 'seconds' | 'bytes' | 'ratio' | 'bytes_per_second' | null;
  readonly help: string;
  readonly labels: readonly string[];
}

/** A family that is never dropped; its samples follow from facts about the fleet. */
export interface FactFamily extends FamilyBase {
  readonly kind: 'fact';
  readonly samples: (facts: FleetFacts) => readonly Sample[];
}

/** A family of one column of reports. It vanishes with the client's reports, and is in exports. */
export interface FigureFamily extends FamilyBase {
  readonly kind: 'figure';
  readonly table: FigureTable;
  readonly column: string;
  /** False: hours and days do not have it. */
  readonly hasRollups: boolean;
  readonly convert: (stored: number, observedAtMs: number) => number;
}

export type Family = FactFamily | FigureFamily;

const same = (stored: number): number => stored;

/** Returns a percent as a share of 1, without the last digits that a division adds. */
function ratio(percent: number): number {
  return Number((percent / 100).toPrecision(15));
}

function figure(
  table: FigureTable,
  column: string,
  family: Omit<FigureFamily, 'kind' | 'table' | 'column' | 'group' | 'type' | 'labels' | 'hasRollups' | 'convert'> &
    Partial<Pick<FigureFamily, 'hasRollups' | 'convert'>>,
): FigureFamily {
  const convert = family.unit === 'ratio' ? ratio : same;
  return { kind: 'figure', type: 'gauge', table, column, ...byTable[table], hasRollups: true, convert, ...family };
}

const byTable = {
  stats: { group: 'client', labels: ['client'] },
  disk_stats: { group: 'disk', labels: ['client', 'mount', 'fstype'] },
  network_stats: { group: 'network', labels: ['client', 'interface'] },
} as const;

function fact(
  group: FamilyGroup,
  family: Omit<FactFamily, 'kind' | 'group' | 'type'> & { readonly type?: 'info' },
): FactFamily {
  return { kind: 'fact', group, type: 'gauge', ...family };
}

/** Every family, the most needed first: where there are too many series, figures go from the end. */
export const families: readonly Family[] = [
  fact('client', {
    name: 'client_info',
    type: 'info',
    unit: null,
    help: 'A client of config.xml that is not retired; group has the names of its groups, outermost first.',
    labels: ['client', 'address', 'group', 'hostname', 'os'],
    samples: ({ clients }) =>
      clients.map(({ client, address, group, hostname, os }) => ({
        labels: { client, address, group, hostname, os },
        value: 1,
      })),
  }),
  fact('client', {
    name: 'client_up',
    unit: null,
    help: '1 if the newest visit of an active client succeeded and its newest report is not late.',
    labels: ['client'],
    samples: ({ clients }) =>
      clients
        .filter(({ isActive }) => isActive)
        .map(({ client, isUp }) => ({ labels: { client }, value: isUp ? 1 : 0 })),
  }),
  fact('client', {
    name: 'client_report_timestamp_seconds',
    unit: 'seconds',
    help: "When a client's newest report was true.",
    labels: ['client'],
    samples: ({ clients }) =>
      clients.flatMap(({ client, lastReportAtMs }) =>
        lastReportAtMs === null ? [] : [{ labels: { client }, value: lastReportAtMs / 1000 }],
      ),
  }),
  fact('alerts', {
    name: 'alert_firing',
    unit: null,
    help: '1 for each alert that fires; client is empty for those of the fleet as a whole.',
    labels: ['client', 'rule', 'subject', 'severity'],
    samples: ({ firing }) =>
      firing.map(({ client, rule, subject, severity }) => ({
        labels: { client, rule, subject, severity },
        value: 1,
      })),
  }),
  fact('self', {
    name: 'run_duration_seconds',
    unit: 'seconds',
    help: 'How long the newest finished run over the whole fleet took.',
    labels: ['program'],
    samples: ({ runs }) =>
      runs.map(({ program, startedAtMs, finishedAtMs }) => ({
        labels: { program },
        value: Math.max(0, finishedAtMs - startedAtMs) / 1000,
      })),
  }),
  fact('self', {
    name: 'run_last_finished_timestamp_seconds',
    unit: 'seconds',
    help: 'When the newest finished run over the whole fleet ended.',
    labels: ['program'],
    samples: ({ runs }) =>
      runs.map(({ program, finishedAtMs }) => ({ labels: { program }, value: finishedAtMs / 1000 })),
  }),
  fact('self', {
    name: 'visits',
    unit: null,
    help: 'Clients of the newest finished run of collect over the whole fleet, by result.',
    labels: ['result'],
    samples: ({ runs }) =>
      runs
        .filter(({ program }) => program === 'collect')
        .flatMap((run) =>
          (['succeeded', 'failed', 'skipped'] as const).map((result) => ({ labels: { result }, value: run[result] })),
        ),
  }),
  fact('self', {
    name: 'mails_undelivered',
    unit: null,
    help: 'Mails that were tried and not taken, or refused for good; 1000 at most.',
    labels: [],
    samples: ({ undelivered }) => [{ labels: {}, value: undelivered }],
  }),
  fact('self', {
    name: 'sealed_waiting_reports',
    unit: null,
    help: 'Sealed reports that wait for ingest.',
    labels: [],
    samples: ({ sealed }) => [{ labels: {}, value: sealed }],
  }),
  fact('self', {
    name: 'metrics_dropped',
    unit: null,
    help: '1 for each family that is left out because there are more than 200000 series.',
    labels: ['family'],
    samples: ({ dropped }) => dropped.map((name) => ({ labels: { family: `${prefix}${name}` }, value: 1 })),
  }),
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
    hasRollups: false,
    convert: (uptime, observedAtMs) => Math.round(observedAtMs / 1000 - uptime),
  }),
  figure('stats', 'clock_offset_ms', {
    name: 'clock_offset_seconds',
    unit: 'seconds',
    help: "The client's clock less the collector's.",
    hasRollups: false,
    convert: (offsetMs) => offsetMs / 1000,
  }),
  figure('stats', 'load1', { name: 'load1', unit: null, help: 'Load average over 1 minute.' }),
  figure('stats', 'load15', { name: 'load15', unit: null, help: 'Load average over 15 minutes.' }),
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

/** Returns the families of these groups that come from reports. */
export function figureFamilies(groups: readonly FamilyGroup[]): readonly FigureFamily[] {
  return families.filter((family): family is FigureFamily => family.kind === 'figure' && groups.includes(family.group));
}
