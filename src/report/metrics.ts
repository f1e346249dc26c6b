/**
 * Every metric and every figure of a report once: its name, unit, meaning, labels, column, and its use. Probes,
 * storage, rules, exports and documentation read this file alone.
 */

export type Unit =
  | 'percent'
  | 'bytes'
  | 'bytes_per_second'
  | 'per_second'
  | 'seconds'
  | 'milliseconds'
  | 'count'
  | 'total'
  | 'celsius'
  | 'load'
  | 'flag';

export interface Metric {
  /** The full name: family and field. */
  readonly name: string;
  readonly family: string;
  readonly field: string;
  readonly unit: Unit;
  readonly help: string;
  /** The Linux files or programs that the agents read, for the documents. */
  readonly source: string;
  readonly labels: readonly string[];
  /** The column of `stats` that holds the value unchanged. */
  readonly column?: StatsFigure;
  /** The name of its family of Prometheus, without the prefix; null if there is none. */
  readonly exported: string | null;
  /** The least plausible value. Values below it or above `maximum` are stored as null, with a reason. */
  readonly minimum: number;
  readonly maximum: number;
}

const maxCount = 1e9;
const maxTotal = 2 ** 63;
/** The largest number of bytes below 2^63. File systems without a size of their own, such as EFS, report 8 EiB. */
const maxBytes = 2 ** 63 - 1024;
const ranges: Readonly<Record<Unit, readonly [number, number]>> = {
  percent: [0, 100],
  bytes: [0, maxBytes],
  bytes_per_second: [0, 1e13],
  per_second: [0, 1e12],
  seconds: [0, 3.2e9],
  milliseconds: [-3.2e12, 3.2e12],
  count: [0, maxCount],
  total: [0, maxTotal],
  celsius: [-100, 300],
  load: [0, 1e6],
  flag: [0, 1],
};

/** The types of columns, the narrowest of any database. */
export type ColumnType = 'TINYINT' | 'INT' | 'BIGINT' | 'REAL';

/** The column of a figure, with its use. A figure without one of these has no column. */
interface ColumnOf {
  readonly type: ColumnType;
  /** The name of its family of Prometheus, without the prefix; null if there is none. */
  readonly exported: string | null;
}

type Field = readonly [unit: Unit, help: string, column?: ColumnOf];

/** The metrics of one part of a report. */
interface Family {
  /** The Linux files and programs. On other systems, Node's os module and systeminformation supply the values. */
  readonly source: string;
  /** Default: none. */
  readonly labels?: readonly string[];
  /** The fields without a column of `stats`. A column of a field is that of the family's own table. */
  readonly fields: Readonly<Record<string, Field>>;
}

/** The families of reports, and the fields that are no figure of `stats`. */
const families = {
  cpu: {
    source: '/proc/stat; the cgroup of a container with a quota',
    fields: {
      user_percent: ['percent', 'Time in programs, niced ones and guests included.'],
      system_percent: ['percent', 'Time in the kernel, interrupts included.'],
      iowait_percent: ['percent', 'Time idle while a disk was waited for.'],
      steal_percent: ['percent', 'Time the hypervisor gave to others.'],
      busiest_percent: ['percent', 'Used percent of the busiest single CPU.'],
    },
  },
  load: { source: '/proc/loadavg', fields: {} },
  memory: {
    source: '/proc/meminfo; the cgroup of a container with a limit',
    fields: {
      total_bytes: ['bytes', 'Memory of the machine.'],
      available_bytes: [
        'bytes',
        'What programs can have without swapping (MemAvailable), and what the cache of ZFS gives back.',
      ],
    },
  },
  swap: {
    source: '/proc/meminfo',
    fields: {
      total_bytes: ['bytes', 'Swap space.'],
      used_bytes: ['bytes', 'Swap space in use.'],
    },
  },
  kernel: { source: '/proc/vmstat or the cgroup, /proc/sys/fs/file-nr, /proc/sys/net/netfilter', fields: {} },
  pressure: { source: '/proc/pressure', fields: {} },
  disk: {
    source: '/proc/self/mountinfo, /etc/fstab, statfs(2)',
    // scope: local or network; mode: rw, ro, or missing (in /etc/fstab and not mounted).
    labels: ['mount', 'fstype', 'source', 'scope', 'mode'],
    fields: {
      size_bytes: ['bytes', 'Size of the file system.', { type: 'BIGINT', exported: 'filesystem_size_bytes' }],
      used_bytes: ['bytes', 'Size less free.', { type: 'BIGINT', exported: null }],
      available_bytes: [
        'bytes',
        'What a user without privileges can still write.',
        { type: 'BIGINT', exported: 'filesystem_available_bytes' },
      ],
      used_percent: [
        'percent',
        'used / (used + available), as df shows it.',
        { type: 'REAL', exported: 'filesystem_used_ratio' },
      ],
      inodes_percent: [
        'percent',
        'Inodes in use; unknown where the file system counts none.',
        { type: 'REAL', exported: 'filesystem_inodes_used_ratio' },
      ],
      unresponsive: ['flag', '1: the mount did not answer within its deadline.', { type: 'TINYINT', exported: null }],
    },
  },
  network: {
    source: '/proc/net/dev, /sys/class/net',
    labels: ['interface'],
    fields: {
      rx_bytes_per_s: [
        'bytes_per_second',
        'Received, since the previous visit.',
        { type: 'REAL', exported: 'network_receive_bytes_per_second' },
      ],
      tx_bytes_per_s: ['bytes_per_second', 'Sent.', { type: 'REAL', exported: 'network_transmit_bytes_per_second' }],
      rx_packets_per_s: ['per_second', 'Packets received.', { type: 'REAL', exported: null }],
      tx_packets_per_s: ['per_second', 'Packets sent.', { type: 'REAL', exported: null }],
      rx_errors_per_s: ['per_second', 'Receive errors.', { type: 'REAL', exported: null }],
      tx_errors_per_s: ['per_second', 'Transmit errors.', { type: 'REAL', exported: null }],
      rx_drops_per_s: ['per_second', 'Packets dropped at reception.', { type: 'REAL', exported: null }],
      tx_drops_per_s: ['per_second', 'Packets dropped at sending.', { type: 'REAL', exported: null }],
      link_up: ['flag', '1: the link is up.', { type: 'TINYINT', exported: null }],
      speed_bits_per_s: [
        'per_second',
        'Speed of the link; unknown where the driver does not tell.',
        { type: 'REAL', exported: null },
      ],
    },
  },
  disk_io: {
    source: '/proc/diskstats; by the agent for Node alone',
    labels: ['device'],
    fields: {
      reads_per_s: ['per_second', 'Reads that have ended, since the previous visit.'],
      writes_per_s: ['per_second', 'Writes that have ended.'],
      read_bytes_per_s: ['bytes_per_second', 'Bytes read.'],
      write_bytes_per_s: ['bytes_per_second', 'Bytes written.'],
      busy_percent: ['percent', 'Time in which the disk was busy.'],
      reads: ['total', 'Reads since boot.'],
      reads_merged: ['total', 'Reads that were merged with others, since boot.'],
      read_bytes: ['bytes', 'Bytes read since boot.'],
      read_ms: ['milliseconds', 'Time spent on reads since boot, of all requests together.'],
      writes: ['total', 'Writes since boot.'],
      writes_merged: ['total', 'Writes that were merged with others, since boot.'],
      write_bytes: ['bytes', 'Bytes written since boot.'],
      write_ms: ['milliseconds', 'Time spent on writes since boot, of all requests together.'],
      busy_ms: ['milliseconds', 'Time in which the disk was busy, since boot.'],
    },
  },
  os: {
    source: '/run/reboot-required, /run/reboot-needed, or the kernels in /lib/modules',
    labels: ['hostname', 'distribution', 'kernel', 'architecture', 'virtualisation'],
    fields: {},
  },
  uptime: { source: '/proc/uptime', fields: {} },
  processes: {
    source: '/proc/PID/stat',
    fields: {
      running: ['count', 'Running or ready to run.'],
      blocked: ['count', 'In uninterruptible sleep (state D).'],
      zombies: ['count', 'Ended and not waited for.'],
    },
  },
  process_cpu: {
    source: '/proc/PID/stat',
    labels: ['process'],
    fields: {
      pid: ['count', 'Process id.'],
      used_percent_of_one_cpu: ['load', 'CPU time since the previous visit, 100 is one whole CPU; the top five.'],
    },
  },
  process_memory: {
    source: '/proc/PID/stat',
    labels: ['process'],
    fields: {
      pid: ['count', 'Process id.'],
      resident_bytes: ['bytes', 'Resident memory; the top five.'],
    },
  },
  process_match: {
    source: '/proc/PID/stat',
    labels: ['match'],
    fields: { count: ['count', "Processes whose name the rule's glob matches."] },
  },
  services: { source: 'systemctl', fields: {} },
  failed_unit: {
    source: 'systemctl',
    labels: ['unit'],
    fields: { failed: ['flag', '1: this unit is failed.'] },
  },
  unit: {
    source: 'systemctl',
    // state: ActiveState of systemctl show (active, inactive, failed ...), or missing.
    labels: ['unit', 'state'],
    fields: { active: ['flag', '1: the unit is active.'] },
  },
  check: {
    source: 'performance data of checks',
    labels: ['check', 'label'],
    fields: {
      value: ['count', 'A figure of a check, in seconds, bytes, percent or counts.'],
      rise: ['count', 'What a figure of a check has grown since the newest report that is at least a day older.'],
    },
  },
  temperature: {
    source: '/sys/class/hwmon, else /sys/class/thermal',
    labels: ['sensor'],
    fields: { celsius: ['celsius', 'Temperature of a sensor.'] },
  },
  log: {
    source: 'journalctl, else /var/log/syslog or messages, else the ring of the kernel',
    // source: journal, a file, or the kernel's ring buffer; priority: a name of syslog.
    labels: ['source'],
    fields: {
      errors: ['count', 'Lines of priority err and worse since the previous visit, where logs are asked for.'],
    },
  },
  log_match: {
    source: 'as for log_errors',
    labels: ['match', 'priority'],
    fields: { count: ['count', "Lines since the previous visit that a rule's priority and expression take."] },
  },
  clock: { source: 'chronyc, else the files of timesyncd, chronyd or ntpd', fields: {} },
} as const satisfies Readonly<Record<string, Family>>;

type FamilyName = keyof typeof families;

/** A figure of each report: a metric of its own, or what columns.ts computes from a report. */
export interface StatsFigureEntry extends ColumnOf {
  /** The family and field that the column holds unchanged; null if columns.ts computes it. */
  readonly of: readonly [family: FamilyName, field: string] | null;
  readonly unit: Unit;
  readonly help: string;
  /** The title of its line in `show`; null if client-facts.ts has words for it, or the JSON of `show` alone has it. */
  readonly line: string | null;
}

/**
 * The figures of `stats`, by their columns and in the order of these. Hours and days, the views of both, exports and
 * the JSON of `show` have each of them.
 */
export const statsFigures = {
  uptime_s: {
    of: ['uptime', 'seconds'],
    unit: 'seconds',
    help: 'Since boot; of a container since its first process began.',
    type: 'BIGINT',
    exported: 'boot_time_seconds',
    line: null,
  },
  cpu_percent: {
    of: ['cpu', 'used_percent'],
    unit: 'percent',
    help: "Time not idle and not waiting for I/O since the previous visit, of all CPUs or of a container's quota.",
    type: 'REAL',
    exported: 'cpu_used_ratio',
    line: null,
  },
  memory_percent: {
    of: ['memory', 'used_percent'],
    unit: 'percent',
    help: '(total - available) / total.',
    type: 'REAL',
    exported: 'memory_used_ratio',
    line: null,
  },
  swap_percent: {
    of: ['swap', 'used_percent'],
    unit: 'percent',
    help: 'Used of total; unknown without swap.',
    type: 'REAL',
    exported: 'swap_used_ratio',
    line: null,
  },
  load1: {
    of: ['load', 'load1'],
    unit: 'load',
    help: 'Load average of one minute; unknown in a container that sees that of its host.',
    type: 'REAL',
    exported: 'load1',
    line: null,
  },
  load5: {
    of: ['load', 'load5'],
    unit: 'load',
    help: 'Load average of five minutes.',
    type: 'REAL',
    exported: 'load5',
    line: null,
  },
  load15: {
    of: ['load', 'load15'],
    unit: 'load',
    help: 'Load average of fifteen minutes.',
    type: 'REAL',
    exported: 'load15',
    line: null,
  },
  disk_percent: {
    of: null,
    unit: 'percent',
    help: 'Used percent of the fullest local file system that is not an image (ISO, squashfs).',
    type: 'REAL',
    exported: null,
    line: null,
  },
  processes: {
    of: ['processes', 'total'],
    unit: 'count',
    help: 'Processes.',
    type: 'INT',
    exported: null,
    line: null,
  },
  cpus: {
    of: ['cpu', 'cpus'],
    unit: 'count',
    help: 'CPUs that are online.',
    type: 'INT',
    exported: 'cpus',
    line: null,
  },
  interval_s: {
    of: ['cpu', 'interval_s'],
    unit: 'seconds',
    help: 'The time that the rates of the report are averages of.',
    type: 'REAL',
    exported: null,
    line: null,
  },
  failed_units: {
    of: ['services', 'failed_units'],
    unit: 'count',
    help: 'systemd units in state failed.',
    type: 'INT',
    exported: 'failed_units',
    line: null,
  },
  probe_errors: {
    of: null,
    unit: 'count',
    help: 'Probes that had an error.',
    type: 'INT',
    exported: null,
    line: null,
  },
  unresponsive_mounts: {
    of: null,
    unit: 'count',
    help: 'Mounts that did not answer; unknown if no disk was reported at all.',
    type: 'INT',
    exported: null,
    line: null,
  },
  reboot_required: {
    of: ['os', 'reboot_required'],
    unit: 'flag',
    help: '1: the system says that it wants a reboot, or a newer kernel was installed since the boot.',
    type: 'TINYINT',
    exported: 'reboot_required',
    line: null,
  },
  oom_kills: {
    of: ['kernel', 'oom_kills'],
    unit: 'count',
    help: 'Processes that the kernel killed for want of memory since the previous visit; in a container its own.',
    type: 'INT',
    exported: 'oom_kills',
    line: null,
  },
  pressure_cpu_percent: {
    of: ['pressure', 'cpu_percent'],
    unit: 'percent',
    help: 'Time of the last minute in which a task waited for a CPU (PSI, some avg60).',
    type: 'REAL',
    exported: 'pressure_cpu_ratio',
    line: null,
  },
  pressure_memory_percent: {
    of: ['pressure', 'memory_percent'],
    unit: 'percent',
    help: 'The same for memory.',
    type: 'REAL',
    exported: 'pressure_memory_ratio',
    line: null,
  },
  pressure_io_percent: {
    of: ['pressure', 'io_percent'],
    unit: 'percent',
    help: 'The same for disks.',
    type: 'REAL',
    exported: 'pressure_io_ratio',
    line: null,
  },
  open_files_percent: {
    of: ['kernel', 'open_files_percent'],
    unit: 'percent',
    help: 'Open files of the limit of the whole system; unknown in containers.',
    type: 'REAL',
    exported: 'open_files_used_ratio',
    line: 'Open files',
  },
  conntrack_percent: {
    of: ['kernel', 'conntrack_percent'],
    unit: 'percent',
    help: 'Tracked connections of the greatest number; unknown without connection tracking.',
    type: 'REAL',
    exported: 'conntrack_used_ratio',
    line: 'Conntrack',
  },
  clock_synchronised: {
    of: ['clock', 'synchronised'],
    unit: 'flag',
    help: '1: a time service says the clock is synchronised; 0: that it is not; unknown if none tells.',
    type: 'TINYINT',
    exported: 'clock_synchronised',
    line: null,
  },
  temperature_celsius: {
    of: null,
    unit: 'celsius',
    help: 'Temperature of the hottest sensor; unknown without sensors.',
    type: 'REAL',
    exported: null,
    line: null,
  },
} as const satisfies Readonly<Record<string, StatsFigureEntry>>;

/** A column of `stats` that is a number or NULL. */
export type StatsFigure = keyof typeof statsFigures;

export const statsFigureNames = Object.keys(statsFigures) as readonly StatsFigure[];

/** The figures that columns.ts computes. */
export type ComputedFigure = {
  [Name in StatsFigure]: (typeof statsFigures)[Name]['of'] extends null ? Name : never;
}[StatsFigure];

type Fields<Name extends FamilyName> = (typeof families)[Name]['fields'];

/** The columns of the table of a family's rows. */
type OwnColumn<Name extends FamilyName> = {
  [FieldName in keyof Fields<Name>]: Fields<Name>[FieldName] extends readonly [Unit, string, ColumnOf]
    ? FieldName
    : never;
}[keyof Fields<Name>];

/** The figures of a mount, in the order of the columns of `disk_stats`. */
export const diskFigures = ownColumns('disk');
/** The figures of an interface, in the order of the columns of `network_stats`. */
export const networkFigures = ownColumns('network');

function ownColumns<Name extends FamilyName>(family: Name): readonly OwnColumn<Name>[] {
  const fields = Object.entries<Field>(families[family].fields);
  return fields.filter(([, [, , column]]) => column !== undefined).map(([field]) => field as OwnColumn<Name>);
}

/** The types of the columns of `disk_stats` and `network_stats`, by the columns. */
export const ownColumnTypes: readonly (readonly [string, ColumnType])[] = [families.disk, families.network].flatMap(
  ({ fields }) =>
    Object.entries<Field>(fields).flatMap(([field, [, , column]]) =>
      column === undefined ? [] : [[field, column.type] as const],
    ),
);

export const metrics: readonly Metric[] = Object.entries<Family>(families).flatMap(
  ([family, { source, labels = [], fields }]) => {
    const inStats = Object.entries<StatsFigureEntry>(statsFigures).flatMap(([column, { of, unit, help, exported }]) =>
      of?.[0] === family ? { field: of[1], unit, help, exported, column: column as StatsFigure } : [],
    );
    const others = Object.entries(fields).map(([field, [unit, help, own]]) => ({
      ...{ field, unit, help },
      exported: own?.exported ?? null,
    }));
    return [...inStats, ...others].map((metric) => ({
      ...metric,
      ...{ name: `${family}_${metric.field}`, family, source, labels },
      minimum: ranges[metric.unit][0],
      maximum: ranges[metric.unit][1],
    }));
  },
);

const byName: ReadonlyMap<string, Metric> = new Map(metrics.map((metric) => [metric.name, metric]));

/** Returns the metric of a family's field; null if this version does not know it. */
export function metricOf(family: string, field: string): Metric | null {
  return byName.get(`${family}_${field}`) ?? null;
}
