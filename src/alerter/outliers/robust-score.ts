import { quantile } from '../forecast/quantiles.ts';

/** The factor that makes a MAD of 1 the standard deviation of a normal distribution. */
const normal = 0.6745;

/** The least number of values that have a centre. */
export const minMembers = 5;

/** The median of values, the median of their distances from it, and the least and greatest value. */
export interface Centre {
  readonly median: number;
  readonly mad: number;
  readonly least: number;
  readonly most: number;
}

/** Returns the centre of values; NaN without any. */
export function centreOf(values: readonly number[]): Centre {
  const sorted = new Float64Array(values).sort();
  const median = quantile(sorted, 0.5);
  const distances = sorted.map((value) => Math.abs(value - median)).sort();
  const [least = Number.NaN] = sorted;
  return { median, mad: quantile(distances, 0.5), least, most: sorted.at(-1) ?? Number.NaN };
}

/** Returns the distance of a value from a centre, in units of a spread that is at least `minMad`. */
export function robustScore(value: number, { median, mad }: Pick<Centre, 'median' | 'mad'>, minMad: number): number {
  return (normal * (value - median)) / Math.max(mad, minMad);
}
