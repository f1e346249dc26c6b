import { cpus, loadavg, uptime } from 'node:os';

import type { JsonValue } from '../probes/collected.ts';
import { interval } from '../probes/cpu.ts';
import { functionReport, missing, rounded } from '../probes/function-report.ts';
import type { Facts } from '../probes/function-report.ts';
import type { Probe } from '../probes/probe.ts';

const deadlineMs = 1000;

export const portableLoad: Probe = {
  name: 'load',
  deadlineMs,
  run: () => {
    const [load1 = NaN, load5 = NaN, load15 = NaN] = loadavg();
    return { functions: [functionReport('load', [{ load1, load5, load15 }])] };
  },
};

export const portableUptime: Probe = {
  name: 'uptime',
  deadlineMs,
  run: () => ({ functions: [functionReport('uptime', [{ seconds: Math.round(uptime()) }])] }),
};

/** Reads user, system and idle milliseconds of each CPU. Other CPU times stay unknown on such systems. */
export const portableCpu: Probe = {
  name: 'cpu',
  deadlineMs,
  rates: true,
  run: ({ earlier, noRates }) => {
    const now = cpus().map(({ times }) => [times.user + times.nice, times.sys + times.irq, times.idle]);
    if (now.length === 0) throw new Error('no CPU is told');
    return {
      functions: [
        functionReport('cpu', [
          {
            ...shares(now, earlier?.counters, noRates),
            iowait_percent: missing('not told by this system'),
            steal_percent: missing('not told by this system'),
            cpus: now.length,
            interval_s: interval(earlier, noRates),
          },
        ]),
      ],
      counters: now,
    };
  },
};

function shares(now: readonly (readonly number[])[], counters: JsonValue | undefined, noRates: string): Facts {
  const before = counters as readonly (readonly number[])[] | undefined;
  const differences = now.map((times, cpu) => times.map((time, state) => time - (before?.[cpu]?.[state] ?? NaN)));
  const sum = (state: number): number => differences.reduce((total, times) => total + (times[state] ?? NaN), 0);
  const [user, system, idle] = [sum(0), sum(1), sum(2)];
  const total = user + system + idle;
  if (!(total > 0) || differences.flat().some((difference) => difference < 0)) {
    const none = missing(before === undefined ? noRates : 'the counters went backwards');
    return { used_percent: none, user_percent: none, system_percent: none, busiest_percent: none };
  }
  const percent = (part: number, whole: number): number => rounded((100 * part) / Math.max(whole, 1), 2);
  return {
    used_percent: percent(user + system, total),
    user_percent: percent(user, total),
    system_percent: percent(system, total),
    busiest_percent: Math.max(...differences.map(([u = 0, s = 0, i = 0]) => percent(u + s, u + s + i))),
  };
}
