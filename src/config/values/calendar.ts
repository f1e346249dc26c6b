import { wallTime } from '../../text/zone-time.ts';
import { nearest } from './nearest.ts';
import { minuteMs } from '../../platform/units.ts';

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Parses `sun`, `mon-fri` or `fri-mon,wed`. Returns the days in order, 0 is Sunday; null for any other text. */
export function parseDays(text: string): readonly number[] | null {
  const days = new Set<number>();
  for (const part of text.toLowerCase().split(',')) {
    const [first = '', last = first, ...rest] = part.trim().split('-');
    const from = dayNames.indexOf(first.trim());
    const to = dayNames.indexOf(last.trim());
    if (from < 0 || to < 0 || rest.length > 0) return null;
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === to) break;
    }
  }
  return [...days].sort((left, right) => left - right);
}

/** Parses `02:00`. Returns the minutes since midnight; null for any other text. */
export function parseClock(text: string): number | null {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return parts === null ? null : Number(parts[1]) * 60 + Number(parts[2]);
}

/** Hours of the week. They end by the clock: a clock change within them makes them longer or shorter. */
export interface Hours {
  /** Empty: every day. */
  readonly days: readonly number[];
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
  if (days === null || start === null || end === null || start === end) return null;
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

/** True if this Node knows an IANA time zone. Bare offsets such as `+02:00` are not zones: they have no summer time. */
export function isZone(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(text)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
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
