import { greatest } from '../../platform/group-by.ts';
import type { Window } from '../config.ts';
import { isOnDays } from '../values/calendar.ts';
import { calendarDay, wallTime, wallTimeReached } from '../../text/zone-time.ts';
import { dayMs } from '../../platform/units.ts';

/** A time span in which a window or silence holds. The end is excluded. */
export interface Span {
  readonly startsAtMs: number;
  readonly endsAtMs: number;
}

/**
 * Returns the time at which the window closes if it is open now, else null. A window is a local time of day and a
 * duration, which is the same on the days of clock changes; hours of a recipient end by the clock. `defaultZone` is for
 * windows without a zone; null stands for the server's.
 */
export function windowUntil(window: Window, nowMs: number, defaultZone: string | null): number | null {
  const ends = windowSpans(window, nowMs, nowMs, defaultZone)
    .filter(({ startsAtMs, endsAtMs }) => startsAtMs <= nowMs && nowMs < endsAtMs)
    .map(({ endsAtMs }) => endsAtMs);
  return ends.length === 0 ? null : greatest(ends);
}

/** Returns every span of the window that touches the given time, ends included, oldest first. */
export function windowSpans(window: Window, fromMs: number, toMs: number, defaultZone: string | null): readonly Span[] {
  const zone = window.zone ?? defaultZone;
  const { startMinute, endMinute, durationMs } = window;
  const spans: Span[] = [];
  // A time that a clock change skips may come an hour late, perhaps on the next day.
  const lastDay = calendarDay(zone, toMs);
  for (let day = calendarDay(zone, fromMs - durationMs) - dayMs; day <= lastDay; day += dayMs) {
    if (!opensOn(window, day)) continue;
    const startsAtMs = (endMinute === undefined ? wallTime : wallTimeReached)(zone, day, startMinute);
    const endsAtMs = endMinute === undefined ? startsAtMs + durationMs : wallTimeReached(zone, day, endMinute);
    // Hours within the time that a clock change skips have no minute.
    if (startsAtMs < endsAtMs && startsAtMs <= toMs && endsAtMs >= fromMs) spans.push({ startsAtMs, endsAtMs });
  }
  return spans;
}

function opensOn({ days, date }: Window, day: number): boolean {
  return date === null ? isOnDays(days, day) : new Date(day).toISOString().startsWith(date);
}
