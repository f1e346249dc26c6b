import { missing, oneRow, rounded, type Facts, type Missing } from './function-report.ts';
import type { Earlier, VisitProbe } from './probe.ts';
import type { Source } from './source.ts';
import { inCgroup } from './virtualisation.ts';

/** The columns user, nice, system, idle, iowait, irq, softirq and steal. User and nice include the guest times. */
const columns = 8;
const idleColumn = 3;
const iowaitColumn = 4;
const stealColumn = 7;

/** The name of the quota's counter, beside those of the CPUs. */
const usageName = 'quota';

/**
 * Reads /proc/stat: shares of CPU time since the previous visit. In a container with a quota of its own `used_percent`
 * refers to the quota, the other shares to the machine. https://docs.kernel.org/filesystems/proc.html
 */
export const cpu: VisitProbe = {
  name: 'cpu',
  deadlineMs: 1000,
  reads: {
    files: [
      '/proc/stat',
      ...inCgroup('cpu.max', 'cpu.stat', 'cpu/cpu.cfs_quota_us', 'cpu/cpu.cfs_period_us', 'cpuacct/cpuacct.usage'),
    ],
  },
  rates: 'rates',
  run: ({ source, earlier, noRates }) => {
    const now = cpuTimes(source.read('/proc/stat'));
    const cpus = Object.keys(now).length - 1;
    if (now['cpu'] === undefined || cpus < 1) throw new Error('no CPU in /proc/stat');
    const quota = cgroupQuota(source, cpus);
    const ofMachine = sharesSince(now, earlier, noRates);
    const shares = quota === null ? ofMachine : { ...ofMachine, used_percent: percentOf(quota, earlier, noRates) };
    if (quota !== null) now[usageName] = [quota.usedUs];
    return oneRow('cpu', { ...shares, cpus, interval_s: interval(earlier, noRates) }, now);
  },
};

/** Returns the interval of the report's rates, in seconds. */
export function interval(earlier: Earlier | null, noRates: string): number | Missing {
  return earlier === null ? missing(noRates) : rounded(earlier.elapsedMs / 1000, 2);
}

/** The ticks by CPU. The entry `cpu` is their sum. */
type CpuTimes = Record<string, number[]>;

function cpuTimes(stat: string): CpuTimes {
  const times: CpuTimes = {};
  for (let start = 0; stat.startsWith('cpu', start);) {
    const end = stat.indexOf('\n', start);
    const [name = '', ...ticks] = stat
      .slice(start, end === -1 ? undefined : end)
      .split(' ')
      .filter((part) => part !== '');
    // Old kernels have fewer columns.
    times[name] = Array.from({ length: columns }, (_, column) => Number(ticks[column] ?? 0));
    if (end === -1) break;
    start = end + 1;
  }
  return times;
}

/** Returns the shares of CPU time, all unknown for the same reason. */
export function unknownShares(reason: string): Facts {
  const none = missing(reason);
  const used = { used_percent: none, user_percent: none, system_percent: none };
  return { ...used, iowait_percent: none, steal_percent: none, busiest_percent: none };
}

function sharesSince(now: CpuTimes, earlier: Earlier | null, noRates: string): Facts {
  if (earlier === null) return unknownShares(noRates);
  const before = earlier.counters as Readonly<Record<string, readonly number[]>>;
  // gVisor and some containers show a file of zeros.
  if (now['cpu']?.every((ticks) => ticks === 0) === true) return unknownShares('the kernel tells no CPU times');
  const maxTicks = 1.1 * (earlier.elapsedMs / 10 + 10);
  const cpus = Math.max(...[now, before].map((times) => Object.keys(times).length));
  const all = passed(now['cpu'], before['cpu'], maxTicks * cpus);
  if (all === null) {
    const isStill = now['cpu']?.every((ticks, column) => ticks === before['cpu']?.[column]) === true;
    return unknownShares(isStill ? 'the counters stood still' : 'the counters went backwards');
  }
  const [user = 0, nice = 0, system = 0, , iowait = 0, irq = 0, softirq = 0, steal = 0] = all.ticks;
  const percent = (ticks: number): number => rounded((100 * ticks) / all.total, 2);
  let busiest = -1;
  let parts = 0;
  for (const name in now) {
    if (name === 'cpu') continue;
    const one = passed(now[name], before[name], maxTicks);
    if (one === null) continue;
    busiest = Math.max(busiest, (100 * one.busy) / one.total);
    parts += one.total;
  }
  if (parts > 1.1 * all.total + 10) return unknownShares('the counters contradict each other');
  return {
    used_percent: percent(all.busy),
    user_percent: percent(user + nice),
    system_percent: percent(system + irq + softirq),
    iowait_percent: percent(iowait),
    steal_percent: all.isStealKnown ? percent(steal) : missing('the counters went backwards'),
    busiest_percent: busiest < 0 ? missing('no CPU was online at both visits') : rounded(busiest, 2),
  };
}

interface Quota {
  readonly cpus: number;
  readonly usedUs: number;
}

/** Returns the quota of the cgroup that a container sees as its root, version 2 or 1; null without a quota. */
function cgroupQuota(source: Source, machine: number): Quota | null {
  const read = (name: string): string => source.readOptional(`/sys/fs/cgroup/${name}`) ?? '';
  const [max, period] = source.exists('/sys/fs/cgroup/cpu.max')
    ? read('cpu.max').split(' ')
    : [read('cpu/cpu.cfs_quota_us'), read('cpu/cpu.cfs_period_us')];
  const cpus = parseInt(max ?? '', 10) / parseInt(period ?? '', 10);
  if (!(cpus > 0 && cpus < machine)) return null;
  const usedUs = parseInt(/^usage_usec (\d+)$/m.exec(read('cpu.stat'))?.[1] ?? '', 10);
  const used = Number.isNaN(usedUs) ? parseInt(read('cpuacct/cpuacct.usage'), 10) / 1000 : usedUs;
  return Number.isNaN(used) ? null : { cpus, usedUs: Math.round(used) };
}

/** Returns the usage of the quota, at most 100: time used before a quota was reduced counts against the smaller one. */
function percentOf({ cpus, usedUs }: Quota, earlier: Earlier | null, noRates: string): number | Missing {
  if (earlier === null) return missing(noRates);
  const before = (earlier.counters as Readonly<Record<string, readonly number[]>>)[usageName]?.[0];
  if (before === undefined) return missing('no quota at the previous visit');
  if (usedUs < before) return missing('the counters went backwards');
  return Math.min(100, rounded((100 * (usedUs - before)) / (earlier.elapsedMs * 1000 * cpus), 2));
}

interface Passed {
  readonly ticks: readonly number[];
  readonly busy: number;
  readonly total: number;
  readonly isStealKnown: boolean;
}

/**
 * Returns the ticks between two readings, or null if they make no sense: another counter than these fell, or more than
 * `maxTicks` have passed. Idle and iowait may each decrease, as the kernel documents for iowait and for removed CPUs,
 * but hardly together; a decrease counts as nothing. Stolen time, which the hypervisor counts, may fall from an absurd
 * number: the rest is sound.
 */
function passed(
  now: readonly number[] | undefined,
  before: readonly number[] | undefined,
  maxTicks: number,
): Passed | null {
  if (now === undefined || before?.length !== columns) return null;
  let total = 0;
  let idle = 0;
  let fallen = 0;
  const isStealKnown = (now[stealColumn] ?? 0) >= (before[stealColumn] ?? 0);
  const ticks = now.map((value, column) => {
    const difference = value - (before[column] ?? 0);
    if (column === idleColumn || column === iowaitColumn) idle += difference;
    else if (difference < 0 && column !== stealColumn) fallen -= difference;
    total += Math.max(difference, 0);
    return Math.max(difference, 0);
  });
  if (fallen > 0 || !(total > 0 && total <= maxTicks) || idle < -0.02 * total) return null;
  return { ticks, total, isStealKnown, busy: total - (ticks[idleColumn] ?? 0) - (ticks[iowaitColumn] ?? 0) };
}
