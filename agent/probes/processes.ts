import { functionReport, missing, rounded } from './function-report.ts';
import type { Facts } from './function-report.ts';
import { kernelConstants } from './kernel-constants.ts';
import { matchesGlobs } from './name-glob.ts';
import type { Earlier, Probe } from './probe.ts';
import { decodeTicks, encodeTicks, ticksSince } from './process-ticks.ts';
import { readProcesses } from './read-processes.ts';
import type { ProcessInfo, ProcessList } from './read-processes.ts';

const topCount = 5;

/** Reads /proc/PID/stat of every process: counts by state, the top five by CPU and memory, and those that rules name. */
export const processes: Probe = {
  name: 'processes',
  deadlineMs: 1000,
  rates: true,
  run: ({ source, options, earlier, leftMs }) => {
    const list = readProcesses(source, leftMs);
    const constants = kernelConstants(source.root);
    const globs = options.processes ?? [];
    return {
      functions: [
        functionReport('processes', [countFacts(list)]),
        functionReport('process_cpu', cpuFacts(list, earlier, constants.ticksPerSecond)),
        functionReport('process_memory', memoryFacts(list, constants.pageBytes)),
        ...(globs.length === 0
          ? []
          : [
              functionReport(
                'process_match',
                globs.map((match) => matchFacts(match, list)),
              ),
            ]),
      ],
      counters: encodeTicks(list.processes),
      ...(list.fault !== null && list.isFailure ? { error: list.fault } : {}),
    };
  },
};

function countFacts({ total, processes, fault }: ProcessList): Facts {
  const count = (states: string): number => processes.filter(({ state }) => states.includes(state)).length;
  const known = (states: string) => (fault === null ? count(states) : missing(fault));
  return {
    total: total ?? missing(fault ?? 'unknown'),
    // The agent itself always runs while it looks.
    running: fault === null ? Math.max(0, count('R') - 1) : missing(fault),
    blocked: known('D'),
    zombies: known('Z'),
  };
}

function cpuFacts({ processes }: ProcessList, earlier: Earlier | null, ticksPerSecond: number | null): Facts[] {
  const before = decodeTicks(earlier?.counters);
  if (earlier === null || before === null || ticksPerSecond === null) return [];
  const used = processes.map((process) => ({ process, ticks: ticksSince(process, before) ?? 0 }));
  const top = highest(used, ({ process, ticks }) => (process.pid === ownPid ? 0 : ticks));
  return top.map(({ process, ticks }) => ({
    process: process.name,
    pid: process.pid,
    used_percent_of_one_cpu: rounded((100 * ticks) / ticksPerSecond / (earlier.elapsedMs / 1000), 2),
  }));
}

function memoryFacts({ processes }: ProcessList, pageBytes: number | null): Facts[] {
  const top = highest(processes, ({ pid, residentPages }) => (pid === ownPid ? 0 : residentPages));
  return top.map(({ name, pid, residentPages }) => ({
    process: name,
    pid,
    resident_bytes: pageBytes === null ? missing('the size of a page is not known') : residentPages * pageBytes,
  }));
}

function matchFacts(match: string, { processes, fault }: ProcessList): Facts {
  const matches = ({ name, comm, pid }: ProcessInfo): boolean =>
    pid !== ownPid && (matchesGlobs(match, name) || (comm !== name && matchesGlobs(match, comm)));
  return { match, count: fault === null ? processes.filter(matches).length : missing(fault) };
}

const ownPid = process.pid;

/** The top five by a figure, without those where it is nothing. */
function highest<T>(all: readonly T[], figure: (one: T) => number): T[] {
  const top: T[] = [];
  for (const one of all) {
    const value = figure(one);
    if (value <= 0) continue;
    const at = top.findIndex((other) => figure(other) < value);
    if (at === -1) top.push(one);
    else top.splice(at, 0, one);
    if (top.length > topCount) top.pop();
  }
  return top;
}
