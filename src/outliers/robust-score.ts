import { medianOf } from '../forecast/quantiles.ts';

/** The factor that makes a MAD of 1 the standard deviation of a normal distribution. */
const normal = 0.6745;

/** Fewer values have no middle. */
export const leastMembers = 5;

/** The middle of values, and how far they lie from it: the median of the distances. */
export interface Centre {
  readonly median: number;
  readonly mad: number;
}

/** Returns the centre of values; NaN without any. */
export function centreOf(values: readonly number[]): Centre {
  const median = medianOf(values);
  return { median, mad: medianOf(values.map((value) => Math.abs(value - median))) };
}

/** Returns how far a value lies from a centre, in units of a spread that is at least `leastMad`. */
export function robustScore(value: number, { median, mad }: Centre, leastMad: number): number {
  return (normal * (value - median)) / Math.max(mad, leastMad);
}
