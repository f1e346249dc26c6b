import type { Resolution } from '../store/figure-store.ts';
import type { Reader } from '../store/storage.ts';

const readers: readonly Reader[] = ['node', 'runtime', 'shell', 'push', 'spoke'];

/** Reads the column `reader`. Returns null for NULL and for values that this version does not know. */
export function readerOrNull(value: unknown): Reader | null {
  return readers.find((reader) => reader === value) ?? null;
}

/** Reads a text column. Returns null for NULL. */
export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Reads a numeric column. Returns null for NULL. */
export function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** Returns a text that a column of so many characters can hold. */
export function clipped(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : Array.from(text).slice(0, maxChars).join('');
}

/** Returns the name of the column for the time of a row, or for the hour or day of a rollup. */
export function timeColumn(resolution: Resolution): string {
  return resolution === 'row' ? 'observed_at' : resolution;
}
