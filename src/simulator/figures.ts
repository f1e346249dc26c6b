import type { FunctionReport, Row, WorkerReport } from '../report/report.ts';
import type { Condition } from './condition.ts';
import type { SimulatedClient } from './fleet-plan.ts';
import type { Mount, Personality } from './personality.ts';
import { drift } from './seeded.ts';
import { dayMs, hourMs, minuteMs } from '../platform/units.ts';

export interface FiguresOptions {
  readonly seed: number;
  readonly client: SimulatedClient;
  readonly personality: Personality;
  readonly condition: Condition;
  /** Units that have failed, besides that of the condition. Default: none. */
  readonly failedUnits?: readonly string[];
  readonly atMs: number;
  /** The time since the previous report. Default: the shortest interval from which an agent computes rates. */
  readonly intervalMs?: number;
}

/** The seed parts of the values that vary over time, so that each varies independently. */
const moves = { cpu: 200, cpuFast: 201, memory: 202, network: 203, processes: 204, disk: 210 } as const;

/** Returns the reports of an agent's probes: the same workers and families as in agent/probes, in the same order. */
export function figuresOf(options: FiguresOptions): readonly WorkerReport[] {
  const { client, personality, condition, atMs, failedUnits = [] } = options;
  const used = cpuOf(options);
  const { cpus, memoryBytes } = personality;
  const memoryPercent = memoryOf(options);
  const load = (used / 100) * cpus * (condition.busy ? 2.5 : 1);
  const wave = (which: number, periodMs: number): number => drift(atMs, periodMs, options.seed, client.index, which);
  const iowait = wave(moves.cpuFast, 7 * minuteMs);
  const broken = condition.failedUnit ? [`${personality.programs[0] ?? 'app'}.service`] : [];
  const failed = [...broken, ...failedUnits].map((unit) => ({ unit, failed: 1 }));
  return [
    worker('disks', 2, { disk: diskRows(options) }),
    worker('services', 4, {
      services: { failed_units: failed.length },
      failed_unit: failed,
    }),
    worker('clock', 0, { clock: { synchronised: Math.abs(condition.clockOffsetMs) < 1000 ? 1 : 0 } }),
    worker('cpu', 0, { cpu: cpuRow(options, used, iowait) }),
    worker('load', 0, {
      load: { load1: rounded(load), load5: rounded(load * 0.97), load15: rounded(load * 0.93) },
    }),
    worker('memory', 0, {
      memory: {
        total_bytes: memoryBytes,
        available_bytes: Math.round(memoryBytes * (1 - memoryPercent / 100)),
        used_percent: memoryPercent,
      },
    }),
    swap(personality, condition),
    worker('kernel', 0, {
      kernel: { oom_kills: 0, open_files_percent: 0.4, conntrack_percent: 1.2 },
      pressure: {
        cpu_percent: condition.busy ? 35 : rounded(used / 20),
        memory_percent: 0,
        io_percent: rounded(2 * iowait),
      },
    }),
    worker('network', 0, {
      network: personality.interfaces.map((name, index) => networkRow(name, index, options, used)),
    }),
    worker('os', 0, { os: osRow(options) }),
    worker('uptime', 0, { uptime: { seconds: rounded((atMs - condition.bootedAtMs) / 1000) } }),
    worker('processes', 6, {
      processes: {
        total: Math.round(personality.processes * (0.95 + 0.1 * wave(moves.processes, hourMs))),
        running: Math.max(1, Math.round(load)),
        blocked: condition.busy ? 3 : 0,
        zombies: 0,
      },
      ...topProcesses(options, used, memoryPercent),
    }),
    worker('temperatures', 0, { temperature: [] }, { field: 'celsius', reason: 'no sensors' }),
  ];
}

function osRow({ client, personality }: FiguresOptions): Row {
  return {
    hostname: client.name,
    distribution: personality.distribution,
    kernel: personality.kernel,
    architecture: 'x86_64',
    virtualisation: 'kvm',
    reboot_required: 0,
  };
}

/** Returns the row of the CPU. `iowait` is from 0 to 1. */
function cpuRow({ personality, intervalMs = 1000 }: FiguresOptions, used: number, iowait: number): Row {
  return {
    used_percent: used,
    user_percent: rounded(used * 0.72),
    system_percent: rounded(used * 0.28),
    iowait_percent: rounded(1.5 * iowait),
    steal_percent: 0,
    busiest_percent: rounded(Math.min(100, used * 1.35)),
    cpus: personality.cpus,
    interval_s: rounded(intervalMs / 1000),
  };
}

function topProcesses(
  { client, personality }: FiguresOptions,
  cpuPercent: number,
  memoryPercent: number,
): Readonly<Record<'process_cpu' | 'process_memory', readonly Row[]>> {
  const { cpus, memoryBytes, programs } = personality;
  return {
    process_cpu: programs.map((process, index) => ({
      process,
      pid: pidOf(client, index),
      used_percent_of_one_cpu: rounded((cpuPercent * cpus * 0.6) / 2 ** index),
    })),
    process_memory: programs.map((process, index) => ({
      process,
      pid: pidOf(client, index),
      resident_bytes: Math.round((memoryBytes * memoryPercent * 0.006) / 2 ** index / 4096) * 4096,
    })),
  };
}

function cpuOf({ seed, client, personality, condition, atMs }: FiguresOptions): number {
  const ofDay = 0.5 + 0.5 * Math.cos(2 * Math.PI * (atMs / dayMs - personality.busiestAt));
  const slow = 8 * drift(atMs, 20 * minuteMs, seed, client.index, moves.cpu);
  const fast = 4 * drift(atMs, minuteMs, seed, client.index, moves.cpuFast);
  const usual = personality.cpuPercent + personality.cpuSwing * ofDay + slow + fast;
  return rounded(condition.busy ? 96 + fast : Math.min(90, usual));
}

function memoryOf({ seed, client, personality, condition, atMs }: FiguresOptions): number {
  const moved = drift(atMs, 2 * hourMs, seed, client.index, moves.memory);
  return rounded(condition.busy ? 97.5 + 2 * moved : personality.memoryPercent + 6 * moved);
}

function swap({ swapBytes }: Personality, { busy }: Condition): WorkerReport {
  const usedPercent = busy ? 80 : 1.5;
  if (swapBytes === 0) {
    const none = { total_bytes: 0, used_bytes: 0, used_percent: null };
    return worker('swap', 0, { swap: none }, { field: 'used_percent', reason: 'no swap' });
  }
  const used = Math.round((swapBytes * usedPercent) / 100);
  return worker('swap', 0, { swap: { total_bytes: swapBytes, used_bytes: used, used_percent: usedPercent } });
}

/** The mount of a full disk, which logs fill. */
const filling = '/var';

function diskRows({ seed, client, personality, condition, atMs }: FiguresOptions): readonly Row[] {
  return personality.mounts.map((mount, index) => {
    const full = mount.mount === filling && condition.fullDisk !== 'no';
    const percent = full ? (condition.fullDisk === 'spool' ? 100 : 97.4) : fullness(mount, index, seed, client, atMs);
    const used = Math.round((mount.sizeBytes * percent) / 100);
    return {
      mount: mount.mount,
      fstype: mount.fstype,
      source: mount.source,
      scope: 'local',
      mode: 'rw',
      size_bytes: mount.sizeBytes,
      used_bytes: used,
      available_bytes: mount.sizeBytes - used,
      used_percent: rounded(percent),
      inodes_percent: rounded(mount.inodesPercent),
      unresponsive: 0,
    };
  });
}

/** Returns the used space in percent. It grows day by day and drops back after `growthDays`, as after a clean-up. */
function fullness(mount: Mount, index: number, seed: number, client: SimulatedClient, atMs: number): number {
  const periods = atMs / (mount.growthDays * dayMs) + mount.minPercent;
  const noise = 0.4 * drift(atMs, 30 * minuteMs, seed, client.index, moves.disk + index);
  return mount.minPercent + mount.growthPercent * (periods - Math.floor(periods)) + noise;
}

function networkRow(name: string, index: number, { seed, client, atMs }: FiguresOptions, cpuPercent: number): Row {
  const moved = drift(atMs, 5 * minuteMs, seed, client.index, moves.network, index);
  const received = Math.round((0.3 + moved) * cpuPercent * 90_000);
  const sent = Math.round((0.3 + moved) * cpuPercent * 140_000);
  return {
    interface: name,
    rx_bytes_per_s: received,
    tx_bytes_per_s: sent,
    rx_packets_per_s: Math.round(received / 900),
    tx_packets_per_s: Math.round(sent / 1100),
    rx_errors_per_s: 0,
    tx_errors_per_s: 0,
    rx_drops_per_s: 0,
    tx_drops_per_s: 0,
    link_up: 1,
    speed_bits_per_s: 10_000_000_000,
  };
}

function pidOf({ index }: SimulatedClient, place: number): number {
  return 400 + ((index * 37 + place * 211) % 30_000);
}

/** Returns a probe's report of families, each with a row or several; `unknown`: a field that the machine lacks. */
export function worker(
  name: string,
  durationMs: number,
  families: Readonly<Record<string, Row | readonly Row[]>>,
  ...unknown: NonNullable<FunctionReport['unknown']>
): WorkerReport {
  const more = unknown.length === 0 ? {} : { unknown };
  const reports = Object.entries(families).map(([family, rows]) => ({ name: family, data: [rows].flat(), ...more }));
  return { name, duration_ms: durationMs, error: null, function_reports: reports };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
