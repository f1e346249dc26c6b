import { serverZone } from './server-zone.ts';
import { offsetInWords, zoneOffsetMs } from './zone-time.ts';

const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** The zone and the time in which a mail is read. */
export interface TimeReader {
  /** IANA zone; null: the server's. */
  readonly zone: string | null;
  readonly nowMs: number;
}

/**
 * Formats a time in the reader's zone: `Fri 20 Nov 08:00`. Adds the year if it is not the current one, and the offset
 * if the zone's clocks have changed since.
 */
export function timeInWords({ zone, nowMs }: TimeReader, atMs: number): string {
  const { day, time } = partsOf({ zone, nowMs }, atMs);
  return `${day} ${time}`;
}

/** Formats a day in the reader's zone: `Fri 20 Nov`. Adds the year if it is not the current one. */
export function dayInWords(reader: TimeReader, atMs: number): string {
  return partsOf(reader, atMs).day;
}

/** Formats a time of day: `08:00`. Adds the day if it is not the reader's current one. */
export function momentInWords(reader: TimeReader, atMs: number): string {
  const { day, time } = partsOf(reader, atMs);
  return day === partsOf(reader, reader.nowMs).day ? time : `${day} ${time}`;
}

/** Formats a span: `Fri 20 Nov 08:00 to 10:05`. */
export function spanInWords(reader: TimeReader, fromMs: number, toMs: number): string {
  const from = partsOf(reader, fromMs);
  const to = partsOf(reader, toMs);
  return `${from.day} ${from.time} to ${from.day === to.day ? '' : `${to.day} `}${to.time}`;
}

/** Formats the reader's zone with its offset: `Europe/Berlin (UTC+1)`. */
export function zoneInWords({ zone, nowMs }: TimeReader): string {
  const name = zone ?? serverZone();
  const offset = offsetInWords(zoneOffsetMs(zone, nowMs));
  return name === offset ? name : `${name} (${offset})`;
}

function partsOf({ zone, nowMs }: TimeReader, atMs: number): { day: string; time: string } {
  const offsetMs = zoneOffsetMs(zone, atMs);
  const nowOffsetMs = zoneOffsetMs(zone, nowMs);
  const wall = new Date(atMs + offsetMs);
  const year = wall.getUTCFullYear();
  const isThisYear = year === new Date(nowMs + nowOffsetMs).getUTCFullYear();
  const month = monthNames[wall.getUTCMonth()] ?? '';
  const day = `${dayNames[wall.getUTCDay()] ?? ''} ${wall.getUTCDate()} ${month}${isThisYear ? '' : ` ${year}`}`;
  const time = `${twoDigits(wall.getUTCHours())}:${twoDigits(wall.getUTCMinutes())}`;
  return { day, time: offsetMs === nowOffsetMs ? time : `${time} (${offsetInWords(offsetMs)})` };
}

function twoDigits(count: number): string {
  return String(count).padStart(2, '0');
}
