import { hourMs } from '../../platform/units.ts';
import type { Database } from './database.ts';
import { fromSqlTime, sqlTime } from './sql-time.ts';

/** The clock that old rows are removed by follows the runs so many times as fast as they come ... */
const catchUp = 12;
/** ... and by so much at most from one run to the next, or `catchUp` times their usual distance where that is more. */
const leastStepMs = hourMs;
/** The number of newest runs that confirm the time: three and a half days at five minutes. */
const runsLookedAt = 1000;

const runsSql = `SELECT started_at FROM runs WHERE program = 'collect' AND started_at <= ?
  ORDER BY started_at DESC LIMIT ?`;

/**
 * Returns the time up to which the runs confirm the clock. A clock that leaps ahead by years makes one gap between two
 * runs, and a gap counts for an hour; so retention removes a few hours too many until somebody sets the clock right,
 * and not everything. After a real pause it catches up twelve times as fast as time goes by, and has done so for sure
 * after a thousand runs.
 *
 * `startedAtMs`: when the newest runs began, in any order. Never later than `nowMs`; without runs it is `nowMs`.
 */
export function confirmedNowMs(nowMs: number, startedAtMs: readonly number[]): number {
  const times = startedAtMs.filter((atMs) => atMs <= nowMs).sort((one, other) => one - other);
  const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs));
  // A single gap need not be a usual one.
  const median = [...gaps].sort((one, other) => one - other)[Math.ceil(gaps.length / 2) - 1] ?? 0;
  const usualGapMs = gaps.length < 2 ? 0 : median;
  const stepMs = Math.max(leastStepMs, catchUp * usualGapMs);
  let [confirmedMs = nowMs] = times;
  for (const [index, gapMs] of [...gaps, nowMs - (times.at(-1) ?? nowMs)].entries()) {
    const reachedMs = times[index + 1] ?? nowMs;
    confirmedMs = Math.min(reachedMs, confirmedMs + Math.min(stepMs, catchUp * gapMs));
  }
  return confirmedMs;
}

/** The time that old rows are removed by: what the stored runs confirm of the caller's clock. */
export async function pruneNowMs(database: Database, nowMs: number): Promise<number> {
  const rows = await database.read((session) => session.all(runsSql, [sqlTime(nowMs), String(runsLookedAt)]));
  return confirmedNowMs(
    nowMs,
    rows.flatMap((row) => fromSqlTime(row['started_at']) ?? []),
  );
}
