import type { JsonValue } from './collected.ts';
import type { ProcessStat } from './process-stat.ts';

/** The most processes that are kept from visit to visit: the busiest ones. */
const maxKept = 4000;

export interface TicksBefore {
  readonly ticksByPid: ReadonlyMap<number, number>;
  /** The latest start of all seen processes. A process with a later start is new. */
  readonly lastStart: number;
}

/** Encodes the CPU times as one list, which JSON parses fast: `LASTSTART, PID, TICKS, PID, TICKS, ...`. */
export function encodeTicks(processes: readonly ProcessStat[]): number[] {
  let lastStart = 0;
  for (const { start } of processes) lastStart = Math.max(lastStart, start);
  const kept =
    processes.length <= maxKept
      ? processes
      : [...processes].sort((one, other) => other.ticks - one.ticks).slice(0, maxKept);
  const numbers = [lastStart];
  for (const { pid, ticks } of kept) numbers.push(pid, ticks);
  return numbers;
}

/** Decodes the list of `encodeTicks`. Returns null for other values. */
export function decodeTicks(counters: JsonValue | undefined): TicksBefore | null {
  if (!Array.isArray(counters)) return null;
  const [lastStart] = counters as unknown[];
  if (typeof lastStart !== 'number') return null;
  const ticksByPid = new Map<number, number>();
  for (let at = 1; at < counters.length; at += 2) {
    const pid: unknown = counters[at];
    const ticks: unknown = counters[at + 1];
    if (typeof pid !== 'number' || typeof ticks !== 'number') return null;
    ticksByPid.set(pid, ticks);
  }
  return { ticksByPid, lastStart };
}

/**
 * Returns the CPU time of a process since the previous visit; null if it is not known. Process ids are reused, but a
 * process that started after the latest seen start is new, and any other process had this id at that visit.
 */
export function ticksSince({ pid, start, ticks }: ProcessStat, before: TicksBefore): number | null {
  if (start > before.lastStart) return ticks;
  const then = before.ticksByPid.get(pid);
  return then === undefined ? null : Math.max(0, ticks - then);
}
