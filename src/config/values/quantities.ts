/** Durations, sizes and numbers as config.xml writes them. Every function answers null for what is not of its form. */

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const yearMs = 365 * dayMs;
const longestMs = 100 * yearMs;

const durationForm = /^(?:(\d{1,9})y)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;

/**
 * `90s`, `5m`, `4h`, `30d`, `1y` (365 days) or, largest unit first, `1h30m`, in milliseconds; at most a hundred years. (The libraries for
 * this also take `5 mins`, `1.5`, `-1h` or unknown units, which here must be faults.)
 */
export function parseDuration(text: string): number | null {
  const parts = durationForm.exec(text);
  if (parts === null || text === '') return null;
  const [, years = '0', days = '0', hours = '0', minutes = '0', seconds = '0'] = parts;
  const ms =
    Number(years) * yearMs +
    Number(days) * dayMs +
    Number(hours) * hourMs +
    Number(minutes) * minuteMs +
    Number(seconds) * secondMs;
  return ms <= longestMs ? ms : null;
}

/** A duration of whole seconds as `parseDuration` reads it; `0s` for none. Parts of a second are cut off. */
export function formatDuration(ms: number): string {
  let rest = Math.floor(ms / secondMs) * secondMs;
  let text = '';
  for (const [unit, unitMs] of [
    ['d', dayMs],
    ['h', hourMs],
    ['m', minuteMs],
    ['s', secondMs],
  ] as const) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}

/** How long or how often something must hold: exactly one of the two is not null. */
export interface Span {
  readonly ms: number | null;
  readonly count: number | null;
}

/** A duration, or a count such as `2x` (1 to 1000). */
export function parseSpan(text: string): Span | null {
  const counted = /^(\d{1,4})x$/.exec(text);
  if (counted !== null) {
    const count = Number(counted[1]);
    return count >= 1 && count <= 1000 ? { ms: null, count } : null;
  }
  const ms = parseDuration(text);
  return ms === null ? null : { ms, count: null };
}

const sizeUnits: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** `500MiB`, `1.5TiB`, `4096B`, or a bare number of bytes; in whole bytes. */
export function parseSize(text: string): number | null {
  const parts = /^(\d{1,15}(?:\.\d{1,6})?)\s*(B|KiB|MiB|GiB|TiB)?$/.exec(text);
  if (parts === null) return null;
  const bytes = Math.round(Number(parts[1]) * (sizeUnits[parts[2] ?? 'B'] ?? 1));
  return bytes <= 2 ** 60 ? bytes : null;
}

/** Bytes in the largest unit that leaves a whole number or two decimals, as `parseSize` reads it. */
export function formatSize(bytes: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    const size = bytes / (sizeUnits[unit] ?? 1);
    if (size >= 1) return `${String(Math.round(size * 100) / 100)}${unit}`;
  }
  return `${bytes}B`;
}

/** A bare number, decimals and sign allowed. */
export function parseNumber(text: string): number | null {
  return /^-?\d{1,15}(?:\.\d{1,9})?$/.test(text) ? Number(text) : null;
}

/** `85%` or `85`, from 0 to 100. */
export function parsePercent(text: string): number | null {
  const parts = /^(\d{1,3}(?:\.\d{1,6})?)\s*%?$/.exec(text);
  const percent = Number(parts?.[1] ?? 'NaN');
  return percent <= 100 ? percent : null;
}

/** Seconds: a bare number, or a duration. */
export function parseSeconds(text: string): number | null {
  const bare = /^\d{1,10}(?:\.\d{1,6})?$/.test(text) ? Number(text) : null;
  if (bare !== null) return bare;
  const ms = parseDuration(text);
  return ms === null ? null : ms / secondMs;
}
