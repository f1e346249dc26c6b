/** The quartiles of values. */
export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** Returns the quartiles, between two values where none is there; NaN without any. */
export function quartilesOf(values: readonly number[]): Quartiles {
  // Sorts as numbers, several times as fast as with a comparison.
  const sorted = Float64Array.from(values).sort();
  return { low: at(sorted, 0.25), median: at(sorted, 0.5), high: at(sorted, 0.75) };
}

function at(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** Returns the median; NaN without values. */
export function medianOf(values: readonly number[]): number {
  return at(Float64Array.from(values).sort(), 0.5);
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
