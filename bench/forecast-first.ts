/** The first version of the estimator, without the later rules for rotations and for growth that has ended. */
import { medianOf, theilSen } from '../src/alerter/forecast/quantiles.ts';
import type { Levels } from './forecast-shapes.ts';

const weekDays = 7;
const minGrowth = 0.0005;
const farthestDays = 90;

/** Returns the days until full; null if no exhaustion is forecast. Levels are relative to one size. */
export function firstEstimate(past: Levels, size: number): number | null {
  const days = past.slice(-35);
  if (days.length < 14 || days.slice(-21).filter((level) => level !== null).length < 10) return null;
  const slope = Math.max(longSlope(days), shortSlope(days), 0);
  if (slope < minGrowth * size) return null;
  const left = (size - (days.findLast((level) => level !== null) ?? 0)) / slope;
  return left > farthestDays ? null : left;
}

/** Returns the median growth of three weeks, each day compared with the same weekday before. */
function longSlope(days: Levels): number {
  const slopes: number[] = [];
  for (let day = Math.max(weekDays, days.length - 21); day < days.length; day += 1) {
    const [is = null, was = null] = [days[day], days[day - weekDays]];
    if (is !== null && was !== null) slopes.push((is - was) / weekDays);
  }
  return slopes.length === 0 ? 0 : medianOf(slopes);
}

/** Returns the growth of a week of which six days rose to a new height; 0 for any other week. */
function shortSlope(days: Levels): number {
  const week = days.slice(-8).flatMap((value, day) => (value === null ? [] : [{ day, value }]));
  const steps = week.slice(1).map(({ value }, index) => value - (week[index]?.value ?? value));
  if (steps.filter((step) => step > 0).length < 6) return 0;
  const short = Math.min(theilSen(week), medianOf(steps));
  const highest = Math.max(...days.slice(-29, -8).filter((level) => level !== null));
  return (week.at(-1)?.value ?? 0) >= highest + short ? short : 0;
}
