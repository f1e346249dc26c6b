import type { Resolution } from '../store/figure-store.ts';

/** Returns a text that a column of so many characters can hold. */
export function clipped(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : Array.from(text).slice(0, maxChars).join('');
}

/** Returns the name of the column for the time of a row, or for the hour or day of a rollup. */
export function timeColumn(resolution: Resolution): string {
  return resolution === 'row' ? 'observed_at' : resolution;
}
