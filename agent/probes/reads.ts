/**
 * The files that each probe reads. The script for clients without Node (agent/capture) copies them. A test compares
 * them with those that a probe asks its source for. `*` and `[...]` stand for parts of names, as in a shell.
 */
import { chronyRuns, driftFiles } from './clock.ts';
import { devicePlaces } from './devices.ts';

export interface Reads {
  /** Files of text that are read. */
  readonly files?: readonly string[];
  /** Files of which only the first lines are read, with their number. */
  readonly heads?: readonly (readonly [file: string, lines: number])[];
  /** Files of texts that end in a null byte, of which the first one is read. */
  readonly firsts?: readonly string[];
  /** Files and folders that are looked for. */
  readonly names?: readonly string[];
  /** Symbolic links to folders. */
  readonly links?: readonly string[];
  /** Files whose time of the last change is of interest. */
  readonly times?: readonly string[];
}

const cgroup = (...names: readonly string[]): string[] => names.map((name) => `/sys/fs/cgroup/${name}`);

/** The reads of a container's detection, which several probes ask for. */
const container: Reads = {
  files: ['/proc/sys/kernel/osrelease', '/run/systemd/container', '/proc/1/cgroup', '/proc/self/mountinfo'],
  names: ['/.dockerenv', '/run/.containerenv', '/proc/vz', '/proc/bc'],
};

export const reads: Readonly<Record<string, Reads>> = {
  disks: { files: ['/proc/self/mountinfo', '/etc/fstab'] },
  services: {
    // A machine that has slept has no CLOCK_MONOTONIC in /proc.
    files: ['/sys/power/suspend_stats/success'],
    names: [
      '/run/systemd/system',
      '/etc/systemd/system/timers.target.wants/*.timer',
      '/usr/lib/systemd/system/timers.target.wants/*.timer',
      '/lib/systemd/system/timers.target.wants/*.timer',
    ],
  },
  clock: {
    names: [...chronyRuns, '/run/systemd/timesync'],
    times: [...driftFiles, '/run/systemd/timesync/synchronized'],
  },
  devices: {
    names: devicePlaces.map(([, { folder, proof }]) => `${folder}/*${proof}`),
    files: [
      ...devicePlaces.flatMap(([, { folder, files }]) => files.map((file) => `${folder}/*${file}`)),
      ...(container.files ?? []),
    ],
  },
  containers: {
    // The script looks for the cgroups of containers by itself.
    names: cgroup('cgroup.controllers'),
  },
  updates: {},
  log: {},
  cpu: {
    files: [
      '/proc/stat',
      ...cgroup('cpu.max', 'cpu.stat', 'cpu/cpu.cfs_quota_us', 'cpu/cpu.cfs_period_us', 'cpuacct/cpuacct.usage'),
    ],
  },
  load: { files: ['/proc/loadavg'] },
  memory: {
    names: container.names ?? [],
    files: [
      ...['/proc/meminfo', '/proc/spl/kstat/zfs/arcstats', '/proc/sys/vm/min_free_kbytes'],
      ...cgroup('memory.max', 'memory.current', 'memory.stat'),
      ...cgroup('memory/memory.limit_in_bytes', 'memory/memory.usage_in_bytes', 'memory/memory.stat'),
    ],
  },
  swap: { files: ['/proc/meminfo'] },
  kernel: {
    files: [
      ...['/proc/vmstat', '/proc/sys/fs/file-nr'],
      ...['/proc/sys/net/netfilter/nf_conntrack_count', '/proc/sys/net/netfilter/nf_conntrack_max'],
      ...['/proc/pressure/cpu', '/proc/pressure/memory', '/proc/pressure/io'],
      ...cgroup('memory.events', 'cpu.pressure', 'memory.pressure', 'io.pressure'),
    ],
  },
  network: {
    names: ['/sys/class/net/*/device', '/sys/class/net/*/bonding'],
    files: ['/proc/net/dev', '/sys/class/net/*/carrier', '/sys/class/net/*/operstate', '/sys/class/net/*/speed'],
  },
  disk_io: { names: ['/sys/block/*/device'], files: ['/proc/diskstats'] },
  os: {
    names: ['/run/reboot-required', '/var/run/reboot-required', '/run/reboot-needed', '/lib/modules/*'],
    files: [
      ...['/proc/sys/kernel/hostname', '/proc/sys/kernel/arch', '/etc/os-release', '/usr/lib/os-release'],
      ...['/sys/hypervisor/type', '/proc/xen/capabilities'],
      ...['sys_vendor', 'product_name', 'bios_vendor'].map((name) => `/sys/class/dmi/id/${name}`),
      '/sys/devices/system/clocksource/clocksource0/available_clocksource',
    ],
    heads: [
      ['/proc/cpuinfo', 30],
      ['/proc/modules', 1],
    ],
    firsts: ['/sys/firmware/devicetree/base/hypervisor/compatible'],
  },
  uptime: { files: ['/proc/uptime'] },
  processes: {
    files: ['/proc/[0-9]*/stat', '/proc/self/status', '/proc/self/statm'],
    firsts: ['/proc/[0-9]*/cmdline'],
  },
  temperatures: {
    files: [
      ...['/sys/class/hwmon/*', '/sys/class/hwmon/*/device'].flatMap((folder) =>
        ['name', 'temp*_input', 'temp*_label'].map((file) => `${folder}/${file}`),
      ),
      ...['/sys/class/thermal/thermal_zone*/type', '/sys/class/thermal/thermal_zone*/temp'],
    ],
    links: ['/sys/class/hwmon/*/device'],
  },
};

/** Returns the reads of a kind of all probes, each once. */
export function allReads<Kind extends keyof Reads>(kind: Kind): readonly NonNullable<Reads[Kind]>[number][] {
  return [
    ...new Map(Object.values(reads).flatMap((one) => (one[kind] ?? []).map((read) => [String(read), read]))).values(),
  ];
}
