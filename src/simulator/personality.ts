import type { ClientKind, SimulatedClient } from './fleet-plan.ts';
import { fraction, seededUuid, wholeBetween } from './seeded.ts';

export type Personality = Readonly<ReturnType<typeof personalityOf>>;
export type Mount = Readonly<Personality['mounts'][number]>;

const gibibyte = 2 ** 30;

interface Kind {
  readonly cpus: readonly number[];
  readonly gibibytesPerCpu: number;
  readonly memoryPercent: readonly [number, number];
  /** The mount of the machine's data and its size in GiB. */
  readonly data: readonly [string, number] | null;
  /** The programs of the top five, the largest first. */
  readonly programs: readonly string[];
}

const kinds: Readonly<Record<ClientKind, Kind>> = {
  web: {
    cpus: [2, 4, 8],
    gibibytesPerCpu: 2,
    memoryPercent: [20, 55],
    data: null,
    programs: ['nginx', 'node', 'php-fpm', 'systemd-journal', 'rsyslogd'],
  },
  db: {
    cpus: [8, 16, 32],
    gibibytesPerCpu: 8,
    memoryPercent: [60, 85],
    data: ['/var/lib/postgresql', 1000],
    programs: ['postgres', 'pgbouncer', 'systemd-journal', 'rsyslogd', 'sshd'],
  },
  cache: {
    cpus: [4, 8],
    gibibytesPerCpu: 8,
    memoryPercent: [55, 80],
    data: null,
    programs: ['redis-server', 'systemd-journal', 'rsyslogd', 'sshd', 'cron'],
  },
  batch: {
    cpus: [16, 32, 64],
    gibibytesPerCpu: 4,
    memoryPercent: [25, 75],
    data: ['/scratch', 400],
    programs: ['python3', 'slurmd', 'systemd-journal', 'rsyslogd', 'sshd'],
  },
  store: {
    cpus: [8, 16],
    gibibytesPerCpu: 4,
    memoryPercent: [20, 50],
    data: ['/export', 30_000],
    programs: ['nfsd', 'smbd', 'systemd-journal', 'rsyslogd', 'sshd'],
  },
};

const systems = [
  ['Debian GNU/Linux 12 (bookworm)', '6.1.0-28-amd64'],
  ['Debian GNU/Linux 13 (trixie)', '6.12.41+deb13-amd64'],
  ['Ubuntu 24.04.1 LTS', '6.8.0-49-generic'],
  ['Rocky Linux 9.5 (Blue Onyx)', '5.14.0-503.15.1.el9_5.x86_64'],
] as const;

/** The seed part of a personality's random values, different from those of a condition. */
const draw = 100;

/** Returns the hardware and the usual load of a machine, computed from the seed. */
export function personalityOf(seed: number, { index, kind }: SimulatedClient) {
  const chance = (which: number): number => fraction(seed, index, draw + which);
  const pick = <T>(from: readonly T[], which: number): T => from[Math.floor(chance(which) * from.length)] as T;
  const { gibibytesPerCpu, memoryPercent, data, programs } = kinds[kind];
  const [minMemory, maxMemory] = memoryPercent;
  const cpus = pick(kinds[kind].cpus, 1);
  const [distribution, kernel] = pick(systems, 2);
  const memoryBytes = cpus * gibibytesPerCpu * gibibyte - wholeBetween(100, 400, seed, index, draw + 3) * 2 ** 20;
  const mount = (name: string, source: string, gibibytes: number, which: number) => ({
    mount: name,
    fstype: distribution.startsWith('Rocky') ? 'xfs' : 'ext4',
    source,
    sizeBytes: Math.round(gibibytes * (1 + chance(which)) * 0.98) * gibibyte,
    // The least used space, and its growth until a clean-up.
    minPercent: 15 + 45 * chance(which + 1),
    growthPercent: 5 + 18 * chance(which + 2),
    growthDays: 5 + 40 * chance(which + 3),
    inodesPercent: 1 + 20 * chance(which + 4),
  });
  return {
    distribution,
    kernel,
    cpus,
    memoryBytes,
    swapBytes: chance(4) < 0.5 ? 0 : 2 * gibibyte,
    mounts: [
      mount('/', '/dev/vda1', 20, 10),
      mount('/var', '/dev/vda2', 40, 20),
      ...(data === null ? [] : [mount(data[0], '/dev/vdb', data[1], 30)]),
    ],
    interfaces: kind === 'store' || kind === 'db' ? ['ens3', 'ens4'] : ['ens3'],
    // The CPU usage of a quiet hour, and the additional usage of the busiest hour.
    cpuPercent: 2 + 25 * chance(5),
    cpuSwing: 40 * chance(6),
    // The busiest time of the day, as a fraction of the day.
    busiestAt: chance(7),
    memoryPercent: minMemory + (maxMemory - minMemory) * chance(8),
    processes: wholeBetween(110, 380, seed, index, draw + 9),
    programs,
    machineUuid: seededUuid(seed, index, draw),
  };
}
