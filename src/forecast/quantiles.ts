/** Returns the value below which a share of the values lies, between two of them where none is there; NaN without any. */
export function quantileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** Returns the median; NaN without values. */
export function medianOf(values: readonly number[]): number {
  return quantileOf(values, 0.5);
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
