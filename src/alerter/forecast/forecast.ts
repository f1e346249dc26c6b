/**
 * The time at which file systems will be full, estimated from the greatest level of each day. Pure: uses neither
 * database nor clock.
 *
 * The long slope compares the same weekday, so that a weekly rotation is no growth and a clean-up an outlier. The short
 * slope shows growth of a week, and counts only for a level that the weeks before never reached. Lines through the last
 * days are right less often: see bench/forecast.ts, which compares them.
 */
import { greatest, least } from '../../platform/group-by.ts';
import { type DayValue, medianOf, quartilesOf, theilSen } from './quantiles.ts';

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
  readonly growthPerDay: number;
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
    growthPerDay: slope.perDay,
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

const weekDays = 7;
/** The days whose levels are compared with those of a week before. */
const longDays = 21;
const minPairs = 5;
/** The newest weekly slopes that show if growth continues, and the share of the growth below which it has ended. */
const newestWeeks = 3;
const endedShare = 0.4;
/** Days of the short slope: seven steps. */
const shortDays = 8;
const minRises = 6;
/** The days of history whose level the short slope has to exceed, its own days aside. */
const beforeDays = 28;

/** A growth a day, with its quartiles. */
interface Slope {
  readonly perDay: number;
  readonly low: number;
  readonly high: number;
}

/** The slopes of levels by day. */
interface Slopes {
  /** The greater of the long and the short slope; null if there is no growth. */
  readonly slope: Slope | null;
  /** The short slope; null if there is none. */
  readonly short: number | null;
}

/** Returns the slopes of levels; today's is the last, null is unknown. Slopes below `least` do not count. */
function slopeOf(levels: readonly (number | null)[], least: number): Slopes {
  const long = longSlope(levels, least);
  const short = shortSlope(levels, least);
  const greater = long !== null && (short === null || long.perDay >= short.perDay) ? long : short;
  return { slope: greater, short: short?.perDay ?? null };
}

/** Returns the known levels with their days. */
function knownDays(levels: readonly (number | null)[]): readonly DayValue[] {
  return levels.flatMap((value, day) => (value === null ? [] : [{ day, value }]));
}

/**
 * Returns the median growth of three weeks, each day compared with the same weekday before. Growth that ended a week
 * ago does not count, and a rotation grows only as its peaks do.
 */
function longSlope(levels: readonly (number | null)[], least: number): Slope | null {
  const slopes: number[] = [];
  for (let day = Math.max(weekDays, levels.length - longDays); day < levels.length; day += 1) {
    const [value = null, before = null] = [levels[day], levels[day - weekDays]];
    if (value !== null && before !== null) slopes.push((value - before) / weekDays);
  }
  if (slopes.length < minPairs) return null;
  const { low, median: perDay, high } = quartilesOf(slopes);
  if (perDay <= 0 || perDay < least) return null;
  // A clean-up makes the newest slopes negative, which is no end of growth.
  const newest = medianOf(slopes.slice(-newestWeeks));
  if (Math.abs(newest) < endedShare * perDay) return null;
  const ofPeaks = rotationSlope(knownDays(levels));
  if (ofPeaks === null || ofPeaks >= perDay) return { perDay, low, high };
  return ofPeaks <= 0 || ofPeaks < least ? null : { perDay: ofPeaks, low: ofPeaks, high: perDay };
}

/**
 * Returns the growth of the last week if the level rose on nearly each day, to clearly above that of the three weeks
 * before. Without the second condition, noise alone would make the last peak of a weekly rotation a new height.
 */
function shortSlope(levels: readonly (number | null)[], least: number): Slope | null {
  const week = knownDays(levels.slice(-shortDays));
  const steps = week.slice(1).map(({ day, value }, index) => {
    const before = week[index];
    return before === undefined ? 0 : (value - before.value) / (day - before.day);
  });
  if (steps.filter((step) => step > 0).length < minRises) return null;
  const { low, median, high } = quartilesOf(steps);
  const perDay = Math.min(theilSen(week), median);
  if (perDay < least) return null;
  const earlier = levels.slice(-beforeDays - 1, -shortDays).filter((value) => value !== null);
  const last = week.at(-1)?.value ?? 0;
  if (earlier.length === 0 || last < greatest(earlier) + perDay) return null;
  return { perDay, low, high };
}

/** The least fall, as a share of the whole range. */
const minFall = 0.4;
/** Falls of one rotation differ by less than this share of the greatest fall. */
const alike = 0.3;

/**
 * Returns the growth a day of the peaks of a rotation, such as that of logs or backups: a level that fell at least
 * twice by about the same amount, and has not passed its peaks since. Returns null for any other level. Without this, a
 * rotation of two weeks would look like growth in each second week.
 */
function rotationSlope(points: readonly DayValue[]): number | null {
  const values = points.map(({ value }) => value);
  const range = greatest(values) - least(values);
  const falls = points.slice(1).flatMap(({ value }, index) => {
    const peak = points[index];
    return peak !== undefined && peak.value - value >= minFall * range ? [{ ...peak, by: peak.value - value }] : [];
  });
  const [first, last] = [falls[0], falls.at(-1)];
  if (first === undefined || last === undefined || first === last) return null;
  const heights = falls.map(({ by }) => by);
  const highest = greatest(heights);
  if (highest - least(heights) > alike * highest) return null;
  if ((points.at(-1)?.value ?? 0) > greatest(falls.map(({ value }) => value)) + alike * highest) return null;
  return (last.value - first.value) / (last.day - first.day);
}
