import { cpus, loadavg, machine, uptime } from 'node:os';

import { runProbes } from '../probes/collect.ts';
import type { Collected, CollectOptions, JsonValue } from '../probes/collected.ts';
import { interval, unknownShares } from '../probes/cpu.ts';
import { missing, oneRow, rounded, type Facts } from '../probes/function-report.ts';
import { plausibleCount, plausiblePositive, plausibleText } from '../probes/plausible.ts';
import type { Probe } from '../probes/probe.ts';
import { information } from '../probes/systeminformation.ts';
import { portableDisks } from './disks.ts';
import { portableNetwork } from './network.ts';
import { portableProcesses } from './processes.ts';

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
