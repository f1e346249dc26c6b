import { least } from '../platform/group-by.ts';
import { dayMs, minuteMs } from '../platform/units.ts';

const formats = new Map<string, Intl.DateTimeFormat>();

/** A day of a calendar: its midnight in UTC, whatever the zone. */
export type CalendarDay = number;

/** Returns the milliseconds that an IANA zone's clocks are ahead of UTC at a moment. Zone `null`: the server's zone. */
export function zoneOffsetMs(zone: string | null, atMs: number): number {
  if (zone === 'UTC') return 0;
  // Node knows its own zone without Intl, see server-zone.ts.
  if (zone === null) return -new Date(atMs).getTimezoneOffset() * minuteMs;
  const format = formatOf(zone);
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const wallMs = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return wallMs - Math.floor(atMs / 1000) * 1000;
}

/** Formats an offset from UTC: `UTC+1`, `UTC-3:30`, `UTC`. */
export function offsetInWords(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / minuteMs);
  const rest = minutes % 60 === 0 ? '' : `:${String(minutes % 60).padStart(2, '0')}`;
  return offsetMs === 0 ? 'UTC' : `UTC${offsetMs < 0 ? '-' : '+'}${Math.floor(minutes / 60)}${rest}`;
}

/** Returns the day that a zone's calendars show. */
export function calendarDay(zone: string | null, atMs: number): CalendarDay {
  return Math.floor((atMs + zoneOffsetMs(zone, atMs)) / dayMs) * dayMs;
}

/**
 * Returns the time at which a zone's clocks show a number of minutes after midnight. Takes the first of two times that
 * a clock change doubles. Reads a skipped time with the offset before the change: 02:30 is an hour after 01:30 (RFC
 * 5545, section 3.3.5).
 */
export function wallTime(zone: string | null, day: CalendarDay, minute: number): number {
  const wallMs = day + minute * minuteMs;
  // No zone is a day ahead or behind, so these two moments lie on either side of the wall time.
  const [before, after] = [zoneOffsetMs(zone, wallMs - dayMs), zoneOffsetMs(zone, wallMs + dayMs)];
  const possible = [wallMs - before, wallMs - after].filter((atMs) => atMs + zoneOffsetMs(zone, atMs) === wallMs);
  return possible.length === 0 ? wallMs - before : least(possible);
}

/** Returns the time at which a zone's clocks reach a wall time as wallTime does, or pass over it at a clock change. */
export function wallTimeReached(zone: string | null, day: CalendarDay, minute: number): number {
  const atMs = wallTime(zone, day, minute);
  const wallMs = day + minute * minuteMs;
  const after = zoneOffsetMs(zone, atMs);
  if (atMs + after === wallMs) return atMs;
  // The clock is changed after the one and at or before the other.
  let [earlierMs, changedMs] = [wallMs - after, atMs];
  while (changedMs - earlierMs > 1) {
    const middleMs = Math.floor((earlierMs + changedMs) / 2);
    if (zoneOffsetMs(zone, middleMs) === after) changedMs = middleMs;
    else earlierMs = middleMs;
  }
  return changedMs;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, made);
  return made;
}
