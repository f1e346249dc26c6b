import type { DayValue } from './quantiles.ts';

/** The least fall, as a share of the whole range. */
const minFall = 0.4;
/** Falls of one rotation differ by less than this share of the greatest fall. */
const alike = 0.3;

/**
 * Returns the growth a day of the peaks of a rotation, such as that of logs or backups: a level that fell at least
 * twice by about the same amount, and has not passed its peaks since. Returns null for any other level. Without this, a
 * rotation of two weeks would look like growth in each second week.
 */
export function rotationSlope(points: readonly DayValue[]): number | null {
  const values = points.map(({ value }) => value);
  const range = Math.max(...values) - Math.min(...values);
  const falls = points.slice(1).flatMap(({ value }, index) => {
    const peak = points[index];
    return peak !== undefined && peak.value - value >= minFall * range ? [{ ...peak, by: peak.value - value }] : [];
  });
  const [first, last] = [falls[0], falls.at(-1)];
  if (first === undefined || last === undefined || first === last) return null;
  const heights = falls.map(({ by }) => by);
  const greatest = Math.max(...heights);
  if (greatest - Math.min(...heights) > alike * greatest) return null;
  if ((points.at(-1)?.value ?? 0) > Math.max(...falls.map(({ value }) => value)) + alike * greatest) return null;
  return (last.value - first.value) / (last.day - first.day);
}
