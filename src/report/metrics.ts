/**
 * Every metric once: its name, unit, meaning, labels and column. Probes, storage, rules and documentation read this
 * file alone.
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
  readonly column?: StatsMetricColumn;
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

type Field = readonly [unit: Unit, help: string, column?: string];

/** The labels of each family that has labels. */
const labels: Readonly<Record<string, readonly string[]>> = {
  // scope: local or network; mode: rw, ro, or missing (in /etc/fstab and not mounted).
  disk: ['mount', 'fstype', 'source', 'scope', 'mode'],
  network: ['interface'],
  disk_io: ['device'],
  os: ['hostname', 'distribution', 'kernel', 'architecture', 'virtualisation'],
  process_cpu: ['process'],
  process_memory: ['process'],
  process_match: ['match'],
  failed_unit: ['unit'],
  // state: ActiveState of systemctl show (active, inactive, failed ...), or missing.
  unit: ['unit', 'state'],
  temperature: ['sensor'],
  // source: journal, a file, or the kernel's ring buffer; priority: a name of syslog.
  log: ['source'],
  log_match: ['match', 'priority'],
  check: ['check', 'label'],
};

/** The fields of each family. `column` is the column of `stats` that holds the value unchanged. */
const families = {
  cpu: {
    used_percent: [
      'percent',
      'Time not idle and not waiting for I/O, of all CPUs, since the previous visit.',
      'cpu_percent',
    ],
    user_percent: ['percent', 'Time in programs, niced ones and guests included.'],
    system_percent: ['percent', 'Time in the kernel, interrupts included.'],
    iowait_percent: ['percent', 'Time idle while a disk was waited for.'],
    steal_percent: ['percent', 'Time the hypervisor gave to others.'],
    busiest_percent: ['percent', 'Used percent of the busiest single CPU.'],
    cpus: ['count', 'CPUs that are online.', 'cpus'],
    interval_s: ['seconds', 'The time that the rates of the report are averages of.', 'interval_s'],
  },
  load: {
    load1: ['load', 'Load average of one minute.', 'load1'],
    load5: ['load', 'Load average of five minutes.', 'load5'],
    load15: ['load', 'Load average of fifteen minutes.', 'load15'],
  },
  memory: {
    total_bytes: ['bytes', 'Memory of the machine.'],
    available_bytes: [
      'bytes',
      'What programs can have without swapping (MemAvailable), and what the cache of ZFS gives back.',
    ],
    used_percent: ['percent', '(total - available) / total.', 'memory_percent'],
  },
  swap: {
    total_bytes: ['bytes', 'Swap space.'],
    used_bytes: ['bytes', 'Swap space in use.'],
    used_percent: ['percent', 'Used of total; unknown without swap.', 'swap_percent'],
  },
  kernel: {
    oom_kills: ['count', 'Processes that the kernel killed for want of memory, since the previous visit.', 'oom_kills'],
    open_files_percent: ['percent', 'Open files of the limit of the whole system.', 'open_files_percent'],
    conntrack_percent: ['percent', 'Tracked connections of the greatest number.', 'conntrack_percent'],
  },
  pressure: {
    cpu_percent: ['percent', 'Time of the last minute in which a task waited for a CPU.', 'pressure_cpu_percent'],
    memory_percent: ['percent', 'The same for memory.', 'pressure_memory_percent'],
    io_percent: ['percent', 'The same for disks.', 'pressure_io_percent'],
  },
  disk: {
    size_bytes: ['bytes', 'Size of the file system.'],
    used_bytes: ['bytes', 'Size less free.'],
    available_bytes: ['bytes', 'What a user without privileges can still write.'],
    used_percent: ['percent', 'used / (used + available), as df shows it.'],
    inodes_percent: ['percent', 'Inodes in use; unknown where the file system counts none.'],
    unresponsive: ['flag', '1: the mount did not answer within its deadline.'],
  },
  network: {
    rx_bytes_per_s: ['bytes_per_second', 'Received, since the previous visit.'],
    tx_bytes_per_s: ['bytes_per_second', 'Sent.'],
    rx_packets_per_s: ['per_second', 'Packets received.'],
    tx_packets_per_s: ['per_second', 'Packets sent.'],
    rx_errors_per_s: ['per_second', 'Receive errors.'],
    tx_errors_per_s: ['per_second', 'Transmit errors.'],
    rx_drops_per_s: ['per_second', 'Packets dropped at reception.'],
    tx_drops_per_s: ['per_second', 'Packets dropped at sending.'],
    link_up: ['flag', '1: the link is up.'],
    speed_bits_per_s: ['per_second', 'Speed of the link; unknown where the driver does not tell.'],
  },
  disk_io: {
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
  os: { reboot_required: ['flag', '1: the system says that it wants a reboot.', 'reboot_required'] },
  uptime: { seconds: ['seconds', 'Since boot.', 'uptime_s'] },
  processes: {
    total: ['count', 'Processes.', 'processes'],
    running: ['count', 'Running or ready to run.'],
    blocked: ['count', 'In uninterruptible sleep (state D).'],
    zombies: ['count', 'Ended and not waited for.'],
  },
  process_cpu: {
    pid: ['count', 'Process id.'],
    used_percent_of_one_cpu: ['load', 'CPU time since the previous visit, 100 is one whole CPU; the top five.'],
  },
  process_memory: {
    pid: ['count', 'Process id.'],
    resident_bytes: ['bytes', 'Resident memory; the top five.'],
  },
  process_match: { count: ['count', "Processes whose name the rule's glob matches."] },
  services: { failed_units: ['count', 'systemd units in state failed.', 'failed_units'] },
  failed_unit: { failed: ['flag', '1: this unit is failed.'] },
  unit: { active: ['flag', '1: the unit is active.'] },
  check: {
    value: ['count', 'A figure of a check, in seconds, bytes, percent or counts.'],
    rise: ['count', 'What a figure of a check has grown since the newest report that is at least a day older.'],
  },
  temperature: { celsius: ['celsius', 'Temperature of a sensor.'] },
  log: { errors: ['count', 'Lines of priority err and worse since the previous visit, where logs are asked for.'] },
  log_match: { count: ['count', "Lines since the previous visit that a rule's priority and expression take."] },
  clock: { synchronised: ['flag', '1: a time service says the clock is synchronised.', 'clock_synchronised'] },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Field>>>>;

/**
 * The Linux files and programs by family. On other systems, Node's os module and systeminformation supply the values.
 */
const sources: Readonly<Record<keyof typeof families, string>> = {
  cpu: '/proc/stat; the cgroup of a container with a quota',
  load: '/proc/loadavg',
  memory: '/proc/meminfo; the cgroup of a container with a limit',
  swap: '/proc/meminfo',
  kernel: '/proc/vmstat or the cgroup, /proc/sys/fs/file-nr, /proc/sys/net/netfilter',
  pressure: '/proc/pressure',
  disk: '/proc/self/mountinfo, /etc/fstab, statfs(2)',
  network: '/proc/net/dev, /sys/class/net',
  disk_io: '/proc/diskstats; by the agent for Node alone',
  os: '/run/reboot-required, /run/reboot-needed, or the modules of the running kernel',
  uptime: '/proc/uptime',
  processes: '/proc/PID/stat',
  process_cpu: '/proc/PID/stat',
  process_memory: '/proc/PID/stat',
  process_match: '/proc/PID/stat',
  services: 'systemctl',
  failed_unit: 'systemctl',
  unit: 'systemctl',
  check: 'performance data of checks',
  temperature: '/sys/class/hwmon, else /sys/class/thermal',
  log: 'journalctl, else /var/log/syslog or messages, else the ring of the kernel',
  log_match: 'as for log_errors',
  clock: 'chronyc, else the files of timesyncd, chronyd or ntpd',
};

type FieldsOf<Family> = Family extends unknown ? Family[keyof Family] : never;

/** The columns of `stats` that hold the value of one metric. */
export type StatsMetricColumn = Extract<
  FieldsOf<(typeof families)[keyof typeof families]>,
  readonly [Unit, string, string]
>[2];

export const metrics: readonly Metric[] = Object.entries(families).flatMap(([family, fields]) =>
  Object.entries<readonly [Unit, string, StatsMetricColumn?]>(fields).map(([field, [unit, help, column]]) => ({
    name: `${family}_${field}`,
    family,
    field,
    unit,
    help,
    source: sources[family as keyof typeof families],
    labels: labels[family] ?? [],
    ...(column === undefined ? {} : { column }),
    minimum: ranges[unit][0],
    maximum: ranges[unit][1],
  })),
);

const byName: ReadonlyMap<string, Metric> = new Map(metrics.map((metric) => [metric.name, metric]));

/** Returns the metric of a family's field; null if this version does not know it. */
export function metricOf(family: string, field: string): Metric | null {
  return byName.get(`${family}_${field}`) ?? null;
}
