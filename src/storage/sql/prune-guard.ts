import { dayMs, hourMs } from '../../platform/units.ts';
import type { Database } from './database.ts';
import { fromSqlTime, sqlTime } from './sql-time.ts';

/** The factor by which the pruning clock may advance faster than the runs. */
const catchUp = 12;
/**
 * The most that the clock advances from run to run, or `catchUp` times the usual interval, or `dayCatchUp` times the
 * usual longest interval of a day, if that is longer: runs may come in bursts.
 */
const minStepMs = hourMs;
const dayCatchUp = 2;
/** The number of newest runs that confirm the time: three and a half days at five minutes. */
const runsLookedAt = 1000;

const runsSql = `SELECT started_at FROM runs WHERE program = 'collect' AND started_at <= ?
  ORDER BY started_at DESC LIMIT ?`;

/**
 * Returns the time up to which the runs confirm the clock. A clock that leaps ahead by years makes one gap between two
 * runs, and a gap counts for an hour. Therefore retention removes a few hours too many until the clock is corrected,
 * and not everything. After a real pause this time catches up twelve times as fast as time passes, at the latest after
 * a thousand runs.
 * `startedAtMs` holds the beginnings of the newest runs, in any order. The result is never later than `nowMs`; without
 * runs it is `nowMs`.
 */
export function confirmedNowMs(nowMs: number, startedAtMs: readonly number[]): number {
  const times = startedAtMs.filter((atMs) => atMs <= nowMs).sort((one, other) => one - other);
  const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs));
  const longest = new Map<number, number>();
  for (const [index, gapMs] of gaps.entries()) {
    const day = Math.floor((times[index + 1] ?? nowMs) / dayMs);
    longest.set(day, Math.max(gapMs, longest.get(day) ?? 0));
  }
  const stepMs = Math.max(minStepMs, catchUp * usual(gaps), dayCatchUp * usual([...longest.values()]));
  let [confirmedMs = nowMs] = times;
  for (const [index, gapMs] of [...gaps, nowMs - (times.at(-1) ?? nowMs)].entries()) {
    const reachedMs = times[index + 1] ?? nowMs;
    confirmedMs = Math.min(reachedMs, confirmedMs + Math.min(stepMs, catchUp * gapMs));
  }
  return confirmedMs;
}

/** Returns the lower median; 0 of a single value, which may be unusual. */
function usual(values: readonly number[]): number {
  if (values.length < 2) return 0;
  return values.toSorted((one, other) => one - other)[Math.ceil(values.length / 2) - 1] ?? 0;
}

/** Returns the time by which old rows are removed: the caller's clock as far as the stored runs confirm it. */
export async function pruneNowMs(database: Database, nowMs: number): Promise<number> {
  const rows = await database.read((session) => session.all(runsSql, [sqlTime(nowMs), String(runsLookedAt)]));
  return confirmedNowMs(
    nowMs,
    rows.flatMap((row) => fromSqlTime(row['started_at']) ?? []),
  );
}
