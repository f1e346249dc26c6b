/** agent/portable: systems other than Linux. */
import { cpus, loadavg, machine, uptime } from 'node:os';

import { runProbes } from '../probes/collect.ts';
import type { Collected, CollectOptions, JsonValue } from '../probes/collected.ts';
import { interval, unknownShares } from '../probes/cpu.ts';
import { type Facts, type Missing, functionReport, missing, oneRow, rounded } from '../probes/function-report.ts';
import { matchesGlobs } from '../probes/name-glob.ts';
import { plausibleCount, plausiblePositive, plausibleText } from '../probes/plausible.ts';
import type { Earlier, Probe } from '../probes/probe.ts';
import { information } from '../probes/systeminformation.ts';

/**
 * Collects the metrics of a visit on systems other than Linux, by Node's os module and systeminformation. Returns the
 * families and fields of `collect`, without services, temperatures and other values unknown there. Never throws.
 */
export async function collectPortable(options: CollectOptions): Promise<Collected> {
  return runProbes(options, [
    portableDisks,
    cpu,
    load,
    memory,
    swap,
    portableNetwork,
    os,
    uptimeOfSystem,
    portableProcesses,
  ]);
}

const notReported = missing('not reported by this system');

const load: Probe = {
  name: 'load',
  deadlineMs: 1000,
  run: () => {
    const [load1 = NaN, load5 = NaN, load15 = NaN] = loadavg();
    return oneRow('load', { load1, load5, load15 });
  },
};

const uptimeOfSystem: Probe = {
  name: 'uptime',
  deadlineMs: 1000,
  run: () => oneRow('uptime', { seconds: Math.round(uptime()) }),
};

/** Reads user, system and idle milliseconds of each CPU. Other CPU times stay unknown on such systems. */
const cpu: Probe = {
  name: 'cpu',
  deadlineMs: 1000,
  rates: 'rates',
  run: ({ earlier, noRates }) => {
    const now = cpus().map(({ times }) => [times.user + times.nice, times.sys + times.irq, times.idle]);
    if (now.length === 0) throw new Error('no CPU is reported');
    const facts = {
      ...shares(now, earlier?.counters, noRates),
      iowait_percent: notReported,
      steal_percent: notReported,
      cpus: now.length,
      interval_s: interval(earlier, noRates),
    };
    return oneRow('cpu', facts, now);
  },
};

function shares(now: readonly (readonly number[])[], counters: JsonValue | undefined, noRates: string): Facts {
  const before = counters as readonly (readonly number[])[] | undefined;
  const differences = now.map((times, cpu) => times.map((time, state) => time - (before?.[cpu]?.[state] ?? NaN)));
  const sum = (state: number): number => differences.reduce((total, times) => total + (times[state] ?? NaN), 0);
  const [user, system, idle] = [sum(0), sum(1), sum(2)];
  const total = user + system + idle;
  if (!(total > 0) || differences.flat().some((difference) => difference < 0)) {
    return unknownShares(before === undefined ? noRates : 'the counters went backwards');
  }
  const percent = (part: number, whole: number): number => rounded((100 * part) / Math.max(whole, 1), 2);
  return {
    used_percent: percent(user + system, total),
    user_percent: percent(user, total),
    system_percent: percent(system, total),
    busiest_percent: Math.max(...differences.map(([u = 0, s = 0, i = 0]) => percent(u + s, u + s + i))),
  };
}

const memory: Probe = {
  name: 'memory',
  deadlineMs: 3000,
  run: async () => {
    const memory = await information.mem();
    const total = plausiblePositive(memory.total);
    const available = total === null ? null : plausibleCount(memory.available, total);
    return oneRow('memory', {
      total_bytes: total ?? notReported,
      available_bytes: available ?? notReported,
      used_percent:
        total === null || available === null ? notReported : rounded((100 * (total - available)) / total, 2),
    });
  },
};

const swap: Probe = {
  name: 'swap',
  deadlineMs: 3000,
  run: async () => {
    const memory = await information.mem();
    const total = plausibleCount(memory.swaptotal);
    const used = total === null ? null : plausibleCount(memory.swapused, total);
    const none = total === 0 ? missing('no swap') : notReported;
    return oneRow('swap', {
      total_bytes: total ?? none,
      used_bytes: used ?? none,
      used_percent: total === null || total === 0 || used === null ? none : rounded((100 * used) / total, 2),
    });
  },
};

const os: Probe = {
  name: 'os',
  deadlineMs: 3000,
  run: async () => {
    const osInfo = await information.osInfo();
    const distribution = [plausibleText(osInfo.distro), plausibleText(osInfo.release)]
      .filter((part) => part !== null)
      .join(' ');
    return oneRow('os', {
      hostname: plausibleText(osInfo.hostname) ?? undefined,
      distribution: distribution === '' ? undefined : distribution,
      kernel: plausibleText(osInfo.kernel) ?? undefined,
      architecture: machine(),
      reboot_required: missing('this system does not tell'),
    });
  },
};

const topCount = 5;

/** Asks `ps` through systeminformation, which reports no CPU time: there is no top five by CPU. */
const portableProcesses: Probe = {
  name: 'processes',
  deadlineMs: 3000,
  run: async ({ options }) => {
    const { list } = await information.processes();
    if (list.length === 0) throw new Error('ps reported nothing');
    const count = (...states: readonly string[]): number => list.filter(({ state }) => states.includes(state)).length;
    const largest = list
      .flatMap(({ name, pid, memRss }): (Facts & { resident_bytes: number })[] => {
        const kibibytes = plausiblePositive(memRss);
        return kibibytes === null || pid === process.pid
          ? []
          : [{ process: name, pid, resident_bytes: kibibytes * 1024 }];
      })
      .sort((one, other) => other.resident_bytes - one.resident_bytes);
    const globs = options.processes ?? [];
    const matches = globs.map((match) => ({
      match,
      count: list.filter(({ name, pid }) => pid !== process.pid && matchesGlobs(match, name)).length,
    }));
    return {
      functions: [
        functionReport('processes', [
          {
            total: list.length,
            running: count('running'),
            blocked: missing('not reported by this system'),
            zombies: count('zombie'),
          },
        ]),
        functionReport('process_memory', largest.slice(0, topCount)),
        ...(globs.length === 0 ? [] : [functionReport('process_match', matches)]),
      ],
    };
  },
};

const network = new Set(['nfs', 'smbfs', 'cifs', 'afpfs', 'webdav', 'ftp']);
const nothingInside = new Set('autofs devfs fdescfs linprocfs linsysfs procfs tmpfs nullfs map'.split(' '));

/** Asks `df` through systeminformation: each device once, under its shortest mount point. */
const portableDisks: Probe = {
  name: 'disks',
  deadlineMs: 3000,
  run: async () => {
    const byDevice = new Map<string, Facts & { mount: string }>();
    for (const one of await information.fsSize()) {
      if (nothingInside.has(one.type) || one.mount === '') continue;
      const facts = { ...factsOf(one), mount: one.mount };
      const known = byDevice.get(one.fs);
      if (known === undefined || one.mount.length < known.mount.length) byDevice.set(one.fs, facts);
    }
    return { functions: [functionReport('disk', [...byDevice.values()].sort(fullestFirst), 'mount')] };
  },
};

interface FsSize {
  readonly fs: string;
  readonly type: string;
  readonly size: number;
  readonly used: number;
  readonly available: number;
  readonly mount: string;
  readonly rw: boolean | null;
}

function factsOf(one: FsSize): Facts {
  const none = missing('not reported by df');
  const used = plausibleCount(one.used);
  const available = plausibleCount(one.available);
  const room = used === null || available === null ? 0 : used + available;
  return {
    mount: one.mount,
    fstype: one.type.toLowerCase(),
    source: one.fs,
    scope: network.has(one.type.toLowerCase()) ? 'network' : 'local',
    mode: one.rw === false ? 'ro' : 'rw',
    size_bytes: plausiblePositive(one.size) ?? none,
    used_bytes: used ?? none,
    available_bytes: available ?? none,
    used_percent:
      used === null || room === 0
        ? none
        : one.rw === false && available === 0
          ? missing('a read-only image cannot fill')
          : rounded((100 * used) / room, 2),
    inodes_percent: missing('not asked on this system'),
    unresponsive: 0,
  };
}

function fullestFirst(one: Facts, other: Facts): number {
  const percent = ({ used_percent: used }: Facts): number => (typeof used === 'number' ? used : -1);
  return percent(other) - percent(one);
}

/** The fields of a report, and the counters of systeminformation from which they are computed. */
const counters = [
  ['rx_bytes_per_s', 'rx_bytes'],
  ['tx_bytes_per_s', 'tx_bytes'],
  ['rx_errors_per_s', 'rx_errors'],
  ['tx_errors_per_s', 'tx_errors'],
  ['rx_drops_per_s', 'rx_dropped'],
  ['tx_drops_per_s', 'tx_dropped'],
] as const;

/** Reads the counters of interfaces that are neither internal nor virtual. Packets are unknown on such systems. */
const portableNetwork: Probe = {
  name: 'network',
  deadlineMs: 3000,
  rates: 'rates',
  run: async ({ earlier, noRates }) => {
    const answer = await information.networkInterfaces();
    const cards = (Array.isArray(answer) ? answer : [answer]).filter((one) => !one.internal && !one.virtual);
    const stats = await information.networkStats(cards.map(({ iface }) => iface).join(','));
    const kept: Record<string, JsonValue> = {};
    const facts = cards.map(({ iface, operstate, speed }): Facts => {
      const found = stats.find((one) => one.iface === iface);
      const counts = counters.map(([, name]) => plausibleCount(found?.[name]));
      kept[iface] = counts;
      const megabits = plausiblePositive(speed);
      return {
        interface: iface,
        ...rates(iface, counts, earlier, noRates),
        rx_packets_per_s: missing('not reported by this system'),
        tx_packets_per_s: missing('not reported by this system'),
        link_up: operstate === 'up' ? 1 : operstate === 'down' ? 0 : missing('no link state'),
        speed_bits_per_s: megabits === null ? missing('the driver does not tell') : megabits * 1e6,
      };
    });
    return { functions: [functionReport('network', facts, 'interface')], counters: kept };
  },
};

function rates(iface: string, counts: readonly (number | null)[], earlier: Earlier | null, noRates: string): Facts {
  const before = (earlier?.counters as Readonly<Record<string, readonly (number | null)[]>> | undefined)?.[iface];
  const facts: Record<string, number | Missing> = {};
  counters.forEach(([field], index) => {
    const now = counts[index] ?? null;
    const then = before?.[index] ?? null;
    if (earlier === null) facts[field] = missing(noRates);
    else if (now === null || then === null) facts[field] = missing('not reported by this system');
    else if (now < then) facts[field] = missing('the counters were reset');
    else facts[field] = rounded((now - then) / (earlier.elapsedMs / 1000), 2);
  });
  return facts;
}
