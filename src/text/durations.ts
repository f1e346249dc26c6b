import { dayMs, hourMs, minuteMs, secondMs } from '../platform/units.ts';
import { counted, rounded } from './numbers.ts';

const yearMs = 365 * dayMs;
const longestMs = 100 * yearMs;

const units = [
  ['d', dayMs],
  ['h', hourMs],
  ['m', minuteMs],
  ['s', secondMs],
] as const;

const form = /^(?:(\d{1,9})y)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;

/**
 * Parses `90s`, `5m`, `4h`, `30d`, `1y` (365 days) or, largest unit first, `1h30m` to milliseconds, at most a hundred
 * years. Returns null for any other text. (The libraries for this also take `5 mins`, `1.5`, `-1h` or unknown units;
 * here such texts must be faults.)
 */
export function parseDuration(text: string): number | null {
  const parts = form.exec(text);
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

/** Formats whole seconds as `parseDuration` reads them: `1h30m`; `0s` for none. Cuts off parts of a second. */
export function formatDuration(ms: number): string {
  return unitsOf(ms).join('') || '0s';
}

/**
 * Formats the two largest units of a time, for people: `3m 20s`; below ten seconds `0.3s`, with `decimals` decimals.
 */
export function describeDuration(ms: number, decimals = 1): string {
  if (Math.abs(ms) < 10 * secondMs) return `${rounded(ms / secondMs, decimals)}s`;
  return `${ms < 0 ? '-' : ''}${unitsOf(Math.abs(ms)).slice(0, 2).join(' ')}`;
}

/** Formats an age rounded to its largest unit, for a table or a sentence: `42s`, `5m`, `3d`; `-` for null. */
export function describeAge(ageMs: number | null): string {
  if (ageMs === null) return '-';
  const [unit, unitMs] = units.find((candidate) => ageMs >= candidate[1]) ?? ['s', secondMs];
  return `${Math.round(Math.max(0, ageMs) / unitMs)}${unit}`;
}

/** Formats a time in its two largest units, in words: `2 hours 5 minutes`. Leaves out parts of a minute. */
export function durationInWords(ms: number): string {
  const minutes = Math.floor(ms / minuteMs);
  const hours = Math.floor(ms / hourMs);
  const days = Math.floor(ms / dayMs);
  if (minutes < 1) return 'less than a minute';
  if (hours < 1) return counted(minutes, 'minute');
  if (days < 1) return both(counted(hours, 'hour'), counted(minutes % 60, 'minute'), minutes % 60);
  return both(counted(days, 'day'), counted(hours % 24, 'hour'), hours % 24);
}

function both(larger: string, smaller: string, smallerCount: number): string {
  return smallerCount === 0 ? larger : `${larger} ${smaller}`;
}

/** Returns the units of a time that are not zero, the largest first: `1h`, `30m`. */
function unitsOf(ms: number): readonly string[] {
  const parts: string[] = [];
  let rest = ms;
  for (const [unit, unitMs] of units) {
    const count = Math.floor(rest / unitMs);
    rest -= count * unitMs;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts;
}
