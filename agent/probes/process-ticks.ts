import type { JsonValue } from '../collected.ts';
import type { ProcessStat } from './process-stat.ts';

/** More are not kept from visit to visit; the busiest so far are. */
const maxKept = 4000;

export interface TicksBefore {
  readonly ticksByPid: ReadonlyMap<number, number>;
  /** The latest start of a process that was seen: what began later is new. */
  readonly lastStart: number;
}

/** The CPU time of each process as one short text: `LASTSTART PID TICKS PID TICKS ...`, in base 36. */
export function encodeTicks(processes: readonly ProcessStat[]): string {
  let lastStart = 0;
  for (const { start } of processes) lastStart = Math.max(lastStart, start);
  const kept =
    processes.length <= maxKept
      ? processes
      : [...processes].sort((one, other) => other.ticks - one.ticks).slice(0, maxKept);
  let text = lastStart.toString(36);
  for (const { pid, ticks } of kept) text += ` ${pid.toString(36)} ${ticks.toString(36)}`;
  return text;
}

/** The reverse; null for anything else. */
export function decodeTicks(counters: JsonValue | undefined): TicksBefore | null {
  if (typeof counters !== 'string' || counters === '') return null;
  const [lastStart = NaN, ...numbers] = counters.split(' ').map((number) => parseInt(number, 36));
  const ticksByPid = new Map<number, number>();
  for (let index = 0; index + 1 < numbers.length; index += 2)
    ticksByPid.set(numbers[index] ?? 0, numbers[index + 1] ?? 0);
  return Number.isNaN(lastStart) ? null : { ticksByPid, lastStart };
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
