import type { Resolution } from '../store/figure-store.ts';
import type { Reader } from '../store/storage.ts';

const readers: readonly Reader[] = ['node', 'runtime', 'shell', 'push', 'spoke'];

/** The column `reader`; null for NULL and for what this version does not know. */
export function readerOrNull(value: unknown): Reader | null {
  return readers.find((reader) => reader === value) ?? null;
}

/** A text column; null for NULL. */
export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** A numeric column; null for NULL. */
export function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** Returns a text that a column of so many characters can hold. */
export function clipped(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : Array.from(text).slice(0, maxChars).join('');
}

/** Returns the column of the time of a row, or of the hour or day that it stands for. */
export function timeColumn(resolution: Resolution): string {
  return resolution === 'row' ? 'observed_at' : resolution;
}
