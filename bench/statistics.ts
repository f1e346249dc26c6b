/** The statistics of some samples, together with the samples. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly samples: readonly number[];
}

/** Returns the spread of one or more samples. Throws RangeError without samples or for one that is not finite. */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b);
  const [least] = sorted;
  const most = sorted.at(-1);
  if (least === undefined || most === undefined || !samples.every(Number.isFinite)) {
    throw new RangeError(`no spread of [${samples.join(', ')}]`);
  }
  return { median: medianOf(sorted), least, most, samples };
}

/** Returns the median; for an even number of values, the mean of the two middle ones. Returns NaN without values. */
export function medianOf(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/**
 * Returns the ratio of the project's samples to the peer's. Divides samples of the same round, so that a disturbance of
 * the machine affects both. Divides the medians if the numbers of samples differ.
 */
export function ratioOf(ours: readonly number[], peer: readonly number[]): Spread {
  if (ours.length !== peer.length) return spreadOf([medianOf(ours) / medianOf(peer)]);
  return spreadOf(ours.map((value, round) => value / (peer[round] ?? Number.NaN)));
}

export interface Point {
  readonly n: number;
  readonly value: number;
}

/** The fit value = factor * n ^ exponent, by least squares of the logarithms; null for fewer than two sizes. */
export interface PowerFit {
  readonly exponent: number;
  readonly factor: number;
}

export function fitPower(points: readonly Point[]): PowerFit | null {
  const logs = points.map(({ n, value }) => [Math.log(n), Math.log(value)] as const);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanX = mean(logs.map(([x]) => x));
  const meanY = mean(logs.map(([, y]) => y));
  const above = logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const below = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (!(below > 0) || !Number.isFinite(above)) return null;
  const exponent = above / below;
  return { exponent, factor: Math.exp(meanY - exponent * meanX) };
}
