import type { JsonValue } from '../collected.ts';
import { functionReport, missing, rounded } from './function-report.ts';
import type { Facts, Missing } from './function-report.ts';
import type { Earlier, Probe } from './probe.ts';

/** user, nice, system, idle, iowait, irq, softirq, steal; guest time, which follows, is in user and nice already. */
const columns = 8;
const idleColumn = 3;
const iowaitColumn = 4;

/** Reads /proc/stat: shares of CPU time since the previous visit. https://docs.kernel.org/filesystems/proc.html */
export const cpu: Probe = {
  name: 'cpu',
  deadlineMs: 1000,
  rates: true,
  run: ({ source, earlier, noRates }) => {
    const now = cpuTimes(source.read('/proc/stat'));
    const cpus = Object.keys(now).length - 1;
    if (now['cpu'] === undefined || cpus < 1) throw new Error('no CPU in /proc/stat');
    const shares = sharesSince(now, earlier?.counters, noRates);
    return {
      functions: [functionReport('cpu', [{ ...shares, cpus, interval_s: interval(earlier, noRates) }])],
      counters: now,
    };
  },
};

/** The seconds that every rate of the report is an average of. */
export function interval(earlier: Earlier | null, noRates: string): number | Missing {
  return earlier === null ? missing(noRates) : rounded(earlier.elapsedMs / 1000, 2);
}

/** Ticks by CPU; `cpu` is all of them. */
type CpuTimes = Record<string, number[]>;

function cpuTimes(stat: string): CpuTimes {
  const times: CpuTimes = {};
  for (let start = 0; stat.startsWith('cpu', start);) {
    const end = stat.indexOf('\n', start);
    const [name = '', ...ticks] = stat
      .slice(start, end === -1 ? undefined : end)
      .split(' ')
      .filter((part) => part !== '');
    // Ancient kernels count fewer states.
    times[name] = Array.from({ length: columns }, (_, column) => Number(ticks[column] ?? 0));
    if (end === -1) break;
    start = end + 1;
  }
  return times;
}

function sharesSince(now: CpuTimes, counters: JsonValue | undefined, noRates: string): Facts {
  const unknown = (reason: string): Facts => {
    const none = missing(reason);
    return {
      used_percent: none,
      user_percent: none,
      system_percent: none,
      iowait_percent: none,
      steal_percent: none,
      busiest_percent: none,
    };
  };
  const before = counters as Readonly<Record<string, readonly number[]>> | undefined;
  if (before === undefined) return unknown(noRates);
  const all = passed(now['cpu'], before['cpu']);
  if (all === null) return unknown('the counters went backwards');
  const [user = 0, nice = 0, system = 0, , iowait = 0, irq = 0, softirq = 0, steal = 0] = all.ticks;
  const percent = (ticks: number): number => rounded((100 * ticks) / all.total, 2);
  let busiest = -1;
  for (const name in now) {
    if (name === 'cpu') continue;
    const one = passed(now[name], before[name]);
    if (one !== null) busiest = Math.max(busiest, (100 * one.busy) / one.total);
  }
  return {
    used_percent: percent(all.busy),
    user_percent: percent(user + nice),
    system_percent: percent(system + irq + softirq),
    iowait_percent: percent(iowait),
    steal_percent: percent(steal),
    busiest_percent: busiest < 0 ? missing('no CPU was online at both visits') : rounded(busiest, 2),
  };
}

interface Passed {
  readonly ticks: readonly number[];
  readonly busy: number;
  readonly total: number;
}

/**
 * What was counted in between; null when that makes no sense. Idle and iowait may each go back a little (the kernel says
 * so of iowait, and of CPUs that were taken away), which counts as nothing.
 */
function passed(now: readonly number[] | undefined, before: readonly number[] | undefined): Passed | null {
  if (now === undefined || before?.length !== columns) return null;
  let total = 0;
  let change = 0;
  const ticks = now.map((value, column) => {
    const difference = value - (before[column] ?? 0);
    change += difference;
    total += Math.max(difference, 0);
    return Math.max(difference, 0);
  });
  if (!(change > 0)) return null;
  return { ticks, total, busy: total - (ticks[idleColumn] ?? 0) - (ticks[iowaitColumn] ?? 0) };
}
