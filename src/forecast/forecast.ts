/**
 * The time at which file systems will be full, estimated from the greatest level of each day. Pure: uses neither
 * database nor clock.
 *
 * The long slope compares the same weekday, so that a weekly rotation is no growth and a clean-up an outlier. The short
 * slope shows growth of a week, and counts only for a level that the weeks before never reached. Lines through the last
 * days are right less often: see bench/forecast.ts, which compares them.
 */
import { knownDays, type Slope, slopeOf } from './slopes.ts';

/** The most days of history that are used; today is the last. */
export const historyDays = 35;

/** The greatest level of a day. */
export interface DayLevel {
  /** Bytes, or percent of the inodes. */
  readonly used: number;
  /** The size in the same unit. */
  readonly size: number;
}

/** A forecast, in days and in the unit of the levels. */
export interface Forecast {
  /** Days until nothing is left. */
  readonly daysLeft: number;
  /** Days until nothing is left by the upper quartile of the slopes. */
  readonly daysLow: number;
  /** Days until nothing is left by the lower quartile of the slopes; null without growth, or beyond a year. */
  readonly daysHigh: number | null;
  readonly perDay: number;
  /** The number of days since the growth began. */
  readonly sinceDays: number;
  /** Days until nothing is left by the growth of the last week alone; null if there is no such growth. */
  readonly shortDays: number | null;
}

/** The farthest forecast, in days. */
export const farthestDays = 90;
/** The least growth a day, as a share of the size. */
const minGrowth = 0.0005;
/** A change of the size by this share begins a new history. */
const resized = 0.01;
const minHistory = 14;
/** The least number of known days in the newest three weeks. */
const minKnown = 10;
const knownOf = 21;
const yearDays = 365;

/**
 * Returns the forecast; null if nothing is foreseen to run out, or too little is known. `days` ends with today, whose
 * level is the greatest so far; null is a day without a level.
 */
export function forecast(days: readonly (DayLevel | null)[], available: number): Forecast | null {
  const history = sinceResize(days.slice(-historyDays));
  if (!isEnough(history)) return null;
  const levels = history.map((day) => day?.used ?? null);
  const size = history.findLast((day) => day !== null)?.size ?? 0;
  const { slope, short } = slopeOf(levels, minGrowth * size);
  if (slope === null) return null;
  const left = Math.max(0, available);
  const daysLeft = left / slope.perDay;
  if (daysLeft > farthestDays) return null;
  return {
    daysLeft,
    ...rangeOf(slope, left),
    perDay: slope.perDay,
    sinceDays: beginning(levels, slope.perDay),
    shortDays: short === null ? null : left / short,
  };
}

/** Returns the days since the newest change of the size, beginning with a known day. */
function sinceResize(days: readonly (DayLevel | null)[]): readonly (DayLevel | null)[] {
  let start = days.length;
  let size: number | null = null;
  for (let index = days.length - 1; index >= 0; index -= 1) {
    const day = days[index] ?? null;
    if (day === null) continue;
    if (size !== null && Math.abs(day.size - size) >= resized * size) break;
    size = day.size;
    start = index;
  }
  return days.slice(start);
}

/** True if the history is long, dense and new enough. */
function isEnough(history: readonly (DayLevel | null)[]): boolean {
  const isKnown = (day: DayLevel | null): boolean => day !== null;
  return (
    history.length >= minHistory &&
    history.slice(-knownOf).filter(isKnown).length >= minKnown &&
    history.slice(-2).some(isKnown)
  );
}

function rangeOf({ low, high, perDay }: Slope, left: number): Pick<Forecast, 'daysLow' | 'daysHigh'> {
  const slowest = Math.min(low, perDay);
  const daysHigh = slowest > 0 ? left / slowest : Infinity;
  return { daysLow: left / Math.max(high, perDay), daysHigh: daysHigh > yearDays ? null : daysHigh };
}

/**
 * Returns the number of days since a level began to grow at this rate. The growth began where the level lies furthest
 * below a line that rises half as fast.
 */
function beginning(levels: readonly (number | null)[], perDay: number): number {
  let [least, began] = [Infinity, 0];
  for (const { day, value } of knownDays(levels)) {
    const below = value - (perDay / 2) * day;
    if (below < least) [least, began] = [below, day];
  }
  return levels.length - 1 - began;
}
