import { hourMs, minuteMs } from '../../platform/units.ts';

/** The spans whose slope counts: the first with enough values. */
const spansMs = [hourMs, 3 * hourMs] as const;
const minValues = 5;
/** The share of the variance that a line explains from which a slope is plain. */
const plain = 0.9;
/** Later than this, growth by the day says more. */
const latestMs = 24 * hourMs;

interface Known {
  readonly atMs: number;
  readonly value: number;
}

/**
 * Returns the time until a percentage reaches 100 by the slope of the last hour, or of three hours if reports are rare.
 * Returns null if the values do not rise in a plain line, or would take longer than a day.
 */
export function fullSoonMs(
  points: readonly { readonly atMs: number; readonly value: number | null }[],
  nowMs: number,
): number | null {
  const known = points.flatMap(({ atMs, value }) => (value === null || atMs > nowMs ? [] : [{ atMs, value }]));
  const within = spansMs.map((spanMs) => known.filter(({ atMs }) => atMs >= nowMs - spanMs));
  const newest = within.find(({ length }) => length >= minValues);
  const last = newest?.at(-1);
  const slope = newest === undefined ? null : plainSlope(newest);
  if (last === undefined || slope === null || last.value >= 100) return null;
  const leftMs = (100 - last.value) / slope - (nowMs - last.atMs);
  return leftMs > latestMs ? null : Math.max(0, leftMs);
}

/** Returns the rise by the millisecond; null if the values do not rise, or are far from a line. */
function plainSlope(values: readonly Known[]): number | null {
  const meanMs = mean(values.map(({ atMs }) => atMs));
  const level = mean(values.map(({ value }) => value));
  const products = (of: (one: Known) => number): number => mean(values.map(of));
  const spread = products(({ atMs }) => (atMs - meanMs) ** 2);
  const variance = products(({ value }) => (value - level) ** 2);
  const common = products(({ atMs, value }) => (atMs - meanMs) * (value - level));
  if (common <= 0 || spread === 0 || common ** 2 < plain * spread * variance) return null;
  return common / spread;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}

/** Describes the time: `full in about 40 min`, `full in about 3 hours`. */
export function fullSoonWords(leftMs: number): string {
  const minutes = leftMs / minuteMs;
  if (minutes >= 90) return `full in about ${Math.round(minutes / 60)} hours`;
  const step = minutes > 20 ? 10 : minutes > 5 ? 5 : 1;
  return `full in about ${Math.max(1, Math.round(minutes / step) * step)} min`;
}
