import type { JsonValue } from './collected.ts';
import type { ProcessStat } from './process-stat.ts';

/** More are not kept from visit to visit; the busiest so far are. */
const maxKept = 4000;

export interface TicksBefore {
  readonly ticksByPid: ReadonlyMap<number, number>;
  /** The latest start of a process that was seen: what began later is new. */
  readonly lastStart: number;
}

/** The CPU time of each process in one list, which JSON reads at once: `LASTSTART, PID, TICKS, PID, TICKS, ...`. */
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

/** The reverse; null for anything else. */
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
 * The CPU time a process took since; null when it is not known. Process ids are used again, but what began after the
 * latest start that was seen is new, and what began before is what had this id then.
 */
export function ticksSince({ pid, start, ticks }: ProcessStat, before: TicksBefore): number | null {
  if (start > before.lastStart) return ticks;
  const then = before.ticksByPid.get(pid);
  return then === undefined ? null : Math.max(0, ticks - then);
}
