import { wallTime, type CalendarDay } from '../../text/zone-time.ts';
import { nearest } from './nearest.ts';
import { minuteMs } from '../../platform/units.ts';

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const monthDays = Array.from({ length: 31 }, (_, at) => String(at + 1));
const ordinals = ['1st', '2nd', '3rd', '4th', '5th'];
const single = ['last', ...[...ordinals, 'last'].flatMap((ordinal) => dayNames.map((name) => `${ordinal} ${name}`))];

/**
 * Parses days of the week (`sun`, `mon-fri`, `fri-mon,wed`), of the month (`1`, `1-7`, `last`) and n-th weekdays of the
 * month (`2nd tue`, `last fri`). Returns a word for each day; null for any other text.
 */
export function parseDays(text: string): readonly string[] | null {
  const days = new Set<string>();
  for (const part of text.toLowerCase().split(',')) {
    const words = part.split('-').map((word) => word.trim().replaceAll(/ +/g, ' '));
    const [first = '', last = first] = words;
    const names = [dayNames, monthDays].find((one) => one.includes(first) && one.includes(last));
    if (words.length > 2 || (names === undefined && !single.includes(words.join('-')))) return null;
    days.add(first);
    for (let day = first; names !== undefined && day !== last; days.add(day)) {
      day = names[(names.indexOf(day) + 1) % names.length] ?? last;
    }
  }
  return [...days];
}

/** True if one of the words of parseDays means this day, or if there are none. */
export function isOnDays(days: readonly string[], day: CalendarDay): boolean {
  if (days.length === 0) return true;
  const at = new Date(day);
  const date = at.getUTCDate();
  const left = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate() - date;
  const name = dayNames[at.getUTCDay()] ?? '';
  const words = [name, `${ordinals[Math.ceil(date / 7) - 1] ?? ''} ${name}`, String(date)];
  const lastWords = [...(left < 7 ? [`last ${name}`] : []), ...(left === 0 ? ['last'] : [])];
  return [...words, ...lastWords].some((word) => days.includes(word));
}

/** Parses `02:00`. Returns the minutes since midnight; null for any other text. */
export function parseClock(text: string): number | null {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return parts === null ? null : Number(parts[1]) * 60 + Number(parts[2]);
}

/** Hours of the week. They end by the clock: a clock change within them makes them longer or shorter. */
export interface Hours {
  /** Days of the week; empty: every day. */
  readonly days: readonly string[];
  /** The minutes since midnight at which they begin. */
  readonly startMinute: number;
  /** The minutes since the same midnight at which they end. */
  readonly endMinute: number;
  /** Their length on days without a clock change. */
  readonly durationMs: number;
}

const dayMinutes = 1440;

/**
 * Parses `mon-fri 08:00-18:00`, `22:00-06:00` or `18:00-24:00`. Returns null for any other text. Hours that end before
 * they begin end on the next day.
 */
export function parseHours(text: string): Hours | null {
  const parts = /^(?:(\S+) +)?(\S+?)\s*-\s*(\S+)$/.exec(text);
  const days = parts?.[1] === undefined ? [] : parseDays(parts[1]);
  const [start, end] = [
    parseClock(parts?.[2] ?? ''),
    parts?.[3] === '24:00' ? dayMinutes : parseClock(parts?.[3] ?? ''),
  ];
  // Between hours of a month alerts would wait for too long.
  if (days?.every((day) => dayNames.includes(day)) !== true || start === null || end === null || start === end)
    return null;
  const endMinute = end > start ? end : end + dayMinutes;
  return { days, startMinute: start, endMinute, durationMs: (endMinute - start) * minuteMs };
}

/** True if a text is a day of the calendar, `YYYY-MM-DD`. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

const momentForm =
  /^(\d{4}-\d\d-\d\d)(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?(Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?$/;

/**
 * Parses `2026-12-01`, `2026-12-01 06:00` or, with an offset, `2026-12-01T06:00:00Z`. Returns milliseconds since 1970;
 * null for any other text. A time without an offset is in the zone (null: the server's); a bare date means its first
 * minute. A time that a clock change skips has the offset before the change.
 */
export function parseMoment(text: string, zone: string | null): number | null {
  const parts = momentForm.exec(text);
  const [, date = '', hour = '00', minute = '00', second = '00', offset] = parts ?? [];
  if (parts === null || !isDate(date)) return null;
  if (offset !== undefined) return Date.parse(`${date}T${hour}:${minute}:${second}${offset}`);
  const day = Date.parse(`${date}T00:00:00Z`);
  return wallTime(zone, day, Number(hour) * 60 + Number(minute)) + Number(second) * 1000;
}

/** Zones that this Node has been found to know: a formatter costs a millisecond or more. */
const knownZones = new Set<string>();

/** True if this Node knows an IANA time zone. Bare offsets such as `+02:00` are not zones: they have no summer time. */
export function isZone(text: string): boolean {
  if (knownZones.has(text)) return true;
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(text)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    knownZones.add(text);
    return true;
  } catch {
    return false;
  }
}

/** Returns the zone that a misspelt zone most likely means; null if none is near. The city alone is enough. */
export function nearestZone(text: string): string | null {
  const zones = ['UTC', ...Intl.supportedValuesOf('timeZone')];
  const near = nearest(text, zones);
  if (near !== null) return near;
  const cities = new Map(zones.map((zone) => [zone.slice(zone.lastIndexOf('/') + 1), zone]));
  const city = nearest(text.slice(text.lastIndexOf('/') + 1), cities.keys());
  return city === null ? null : (cities.get(city) ?? null);
}
