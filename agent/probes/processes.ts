import { functionReport, missing, rounded } from './function-report.ts';
import type { Facts } from './function-report.ts';
import { matchesGlobs } from './name-glob.ts';
import { pageBytes } from './page-size.ts';
import type { Earlier, Probe } from './probe.ts';
import type { ProcessStat } from './process-stat.ts';
import { decodeTicks, encodeTicks, ticksSince } from './process-ticks.ts';
import { nameOf, readProcesses } from './read-processes.ts';
import type { ProcessList } from './read-processes.ts';

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
    const name = (process: ProcessStat): string => nameOf(process, source);
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
  const counts: Record<string, number> = {};
  for (const { state } of processes) counts[state] = (counts[state] ?? 0) + 1;
  const known = (state: string) => (fault === null ? (counts[state] ?? 0) : missing(fault));
  return {
    total: total ?? missing(fault ?? 'unknown'),
    // The agent itself always runs while it looks.
    running: fault === null ? Math.max(0, (counts['R'] ?? 0) - 1) : missing(fault),
    blocked: known('D'),
    zombies: known('Z'),
  };
}

function cpuFacts({ processes }: ProcessList, earlier: Earlier | null, name: NameOf): Facts[] {
  const before = decodeTicks(earlier?.counters);
  if (earlier === null || before === null) return [];
  const top = highest(processes, (process) => ticksSince(process, before) ?? 0);
  return top.map(([ticks, process]) => ({
    process: name(process),
    pid: process.pid,
    used_percent_of_one_cpu: rounded((100 * ticks) / ticksPerSecond / (earlier.elapsedMs / 1000), 2),
  }));
}

function memoryFacts({ processes }: ProcessList, page: number | null, name: NameOf): Facts[] {
  const top = highest(processes, ({ residentPages }) => residentPages);
  return top.map(([pages, process]) => ({
    process: name(process),
    pid: process.pid,
    resident_bytes: page === null ? missing('the size of a page is not known') : pages * page,
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

type NameOf = (process: ProcessStat) => string;

const ownPid = process.pid;

/** The top five by a figure, without those where it is nothing and without the agent. */
function highest(
  processes: readonly ProcessStat[],
  figure: (process: ProcessStat) => number,
): (readonly [number, ProcessStat])[] {
  const top: (readonly [number, ProcessStat])[] = [];
  let least = 0;
  for (const process of processes) {
    const value = figure(process);
    if (value <= least || process.pid === ownPid) continue;
    const at = top.findIndex(([other]) => other < value);
    top.splice(at === -1 ? top.length : at, 0, [value, process]);
    if (top.length > topCount) top.pop();
    if (top.length === topCount) least = top[topCount - 1]?.[0] ?? 0;
  }
  return top;
}
