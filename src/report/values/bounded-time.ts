/** The bounds of a time from outside: time columns of each database hold it, and so do sums with any setting. */
const earliestMs = Date.UTC(1000, 0, 1);
const latestMs = Date.UTC(3000, 0, 1);

/**
 * Moves a time from outside into the years 1000 to 3000, as whole milliseconds since 1970. Every time passes this
 * function that a push, a site, a file or an answer contains. Returns null for a value that is no number.
 */
export function boundedTime(value: number): number;
export function boundedTime(value: unknown): number | null;
export function boundedTime(value: unknown): number | null {
  if (typeof value !== 'number') return null;
  return Number.isNaN(value) ? earliestMs : Math.round(Math.min(latestMs, Math.max(earliestMs, value)));
}
