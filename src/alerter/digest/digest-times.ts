import type { DigestConfig } from '../../config/config.ts';
import { isOnDays } from '../../config/values/calendar.ts';
import { dayMs } from '../../platform/units.ts';
import { calendarDay, wallTime } from '../../text/zone-time.ts';

/** A time at which a digest is due. */
export interface Occurrence {
  /** The local date, YYYY-MM-DD. There is one digest a date, even if its time does not exist or exists twice. */
  readonly date: string;
  readonly dueMs: number;
}

/** The longest time between two occurrences: that of two fifth weekdays of a month. */
const longestGapMs = 14 * 7 * dayMs;

type Schedule = Pick<DigestConfig, 'days' | 'atMinute'>;

/** Returns the last times at which a digest was due, the newest first. */
export function lastOccurrences(
  schedule: Schedule,
  zone: string | null,
  nowMs: number,
  most: number,
): readonly Occurrence[] {
  const found: Occurrence[] = [];
  const today = calendarDay(zone, nowMs);
  for (let day = today; found.length < most && day > today - (most + 1) * longestGapMs; day -= dayMs) {
    const occurrence = occurrenceOf(schedule, zone, day);
    if (occurrence !== null && occurrence.dueMs <= nowMs) found.push(occurrence);
  }
  return found;
}

/** Returns the times from `sinceMs` on at which a digest was due, the oldest first: the newest one in any case. */
export function occurrencesSince(
  schedule: Schedule,
  zone: string | null,
  { sinceMs, nowMs }: { readonly sinceMs: number; readonly nowMs: number },
): readonly Occurrence[] {
  const [newest] = lastOccurrences(schedule, zone, nowMs, 1);
  if (newest === undefined) return [];
  const found: Occurrence[] = [newest];
  const first = calendarDay(zone, sinceMs);
  for (let day = Date.parse(newest.date) - dayMs; day >= first; day -= dayMs) {
    const occurrence = occurrenceOf(schedule, zone, day);
    if (occurrence !== null && occurrence.dueMs >= sinceMs) found.push(occurrence);
  }
  return found.reverse();
}

/** Returns the next time at which a digest is due. */
export function nextOccurrence(schedule: Schedule, zone: string | null, nowMs: number): Occurrence {
  // A time that a clock change skips may fall on the next day.
  for (let day = calendarDay(zone, nowMs) - dayMs; ; day += dayMs) {
    const occurrence = occurrenceOf(schedule, zone, day);
    if (occurrence !== null && occurrence.dueMs > nowMs) return occurrence;
  }
}

function occurrenceOf({ days, atMinute }: Schedule, zone: string | null, day: number): Occurrence | null {
  if (!isOnDays(days, day)) return null;
  return { date: new Date(day).toISOString().slice(0, 10), dueMs: wallTime(zone, day, atMinute) };
}
