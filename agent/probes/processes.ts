import { functionReport, missing, rounded } from './function-report.ts';
import type { Facts } from './function-report.ts';
import { matchesGlobs } from './name-glob.ts';
import { pageBytes } from './page-size.ts';
import type { Earlier, Probe } from './probe.ts';
import { decodeTicks, encodeTicks, ticksSince } from './process-ticks.ts';
import { nameOf, readProcesses } from './read-processes.ts';
import type { ProcessInfo, ProcessList } from './read-processes.ts';

const topCount = 5;
/** USER_HZ, the same on every processor that Node runs on. */
const ticksPerSecond = 100;

/** Reads /proc/PID/stat of every process: counts by state, the top five by CPU and memory, and those that rules name. */
export const processes: Probe = {
  name: 'processes',
  deadlineMs: 1000,
  rates: true,
  run: ({ source, options, earlier, leftMs }) => {
    const list = readProcesses(source, leftMs);
    const name = (process: ProcessInfo): string => nameOf(process, source);
    const globs = options.processes ?? [];
    return {
      functions: [
        functionReport('processes', [countFacts(list)]),
        functionReport('process_cpu', cpuFacts(list, earlier, name)),
        functionReport('process_memory', memoryFacts(list, pageBytes(source.root), name)),
        ...(globs.length === 0 ? [] : [functionReport('process_match', matchFacts(globs, list, name))]),
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

function cpuFacts({ processes }: ProcessList, earlier: Earlier | null, name: NameOf): Facts[] {
  const before = decodeTicks(earlier?.counters);
  if (earlier === null || before === null) return [];
  const used = processes.map((process) => ({ process, ticks: ticksSince(process, before) ?? 0 }));
  const top = highest(used, ({ process, ticks }) => (process.pid === ownPid ? 0 : ticks));
  return top.map(({ process, ticks }) => ({
    process: name(process),
    pid: process.pid,
    used_percent_of_one_cpu: rounded((100 * ticks) / ticksPerSecond / (earlier.elapsedMs / 1000), 2),
  }));
}

function memoryFacts({ processes }: ProcessList, page: number | null, name: NameOf): Facts[] {
  const top = highest(processes, ({ pid, residentPages }) => (pid === ownPid ? 0 : residentPages));
  return top.map((process) => ({
    process: name(process),
    pid: process.pid,
    resident_bytes: page === null ? missing('the size of a page is not known') : process.residentPages * page,
  }));
}

function matchFacts(globs: readonly string[], { processes, fault }: ProcessList, name: NameOf): Facts[] {
  if (fault !== null) return globs.map((match) => ({ match, count: missing(fault) }));
  const names = processes.filter(({ pid }) => pid !== ownPid).map((process) => [process.comm, name(process)] as const);
  return globs.map((match) => ({
    match,
    count: names.filter(([comm, whole]) => matchesGlobs(match, whole) || (comm !== whole && matchesGlobs(match, comm)))
      .length,
  }));
}

type NameOf = (process: ProcessInfo) => string;

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
