/** The quartiles of values. */
export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** Returns the quartiles, interpolated between two values; NaN without values. */
export function quartilesOf(values: readonly number[]): Quartiles {
  // A Float64Array sorts as numbers, several times as fast as with a comparison.
  const sorted = new Float64Array(values).sort();
  return { low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
}

/** Returns the value below which a share of sorted values lies, interpolated between two values; NaN without values. */
export function quantile(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** Returns the median; NaN without values. */
export function medianOf(values: readonly number[]): number {
  return quantile(new Float64Array(values).sort(), 0.5);
}

/** The value of a day. */
export interface DayValue {
  readonly day: number;
  readonly value: number;
}

/** Returns the median of the slopes between all pairs of days; NaN for fewer than two. */
export function theilSen(points: readonly DayValue[]): number {
  const slopes = points.flatMap((one, index) =>
    points.slice(index + 1).map((other) => (other.value - one.value) / (other.day - one.day)),
  );
  return medianOf(slopes);
}
