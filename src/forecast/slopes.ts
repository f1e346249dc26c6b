import { type DayValue, medianOf, quartilesOf, theilSen } from './quantiles.ts';
import { rotationSlope } from './rotation.ts';

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
export interface Slope {
  readonly perDay: number;
  readonly low: number;
  readonly high: number;
}

/** The slopes of levels by day. */
export interface Slopes {
  /** The greater of the long and the short slope; null if there is no growth. */
  readonly slope: Slope | null;
  /** The short slope; null if there is none. */
  readonly short: number | null;
}

/** Returns the slopes of levels; today's is the last, null is unknown. Slopes below `least` do not count. */
export function slopeOf(levels: readonly (number | null)[], least: number): Slopes {
  const long = longSlope(levels, least);
  const short = shortSlope(levels, least);
  const greater = long !== null && (short === null || long.perDay >= short.perDay) ? long : short;
  return { slope: greater, short: short?.perDay ?? null };
}

/** Returns the known levels with their days. */
export function knownDays(levels: readonly (number | null)[]): readonly DayValue[] {
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
  if (earlier.length === 0 || last < Math.max(...earlier) + perDay) return null;
  return { perDay, low, high };
}
