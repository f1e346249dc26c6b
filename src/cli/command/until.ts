import type { Config } from '../../config/config.ts';
import { parseClock, parseMoment } from '../../config/values/calendar.ts';
import { type FleetError, usageError } from '../../platform/errors/errors.ts';
import { dayMs } from '../../platform/units.ts';
import { parseDuration } from '../../text/durations.ts';
import { calendarDay, wallTime } from '../../text/zone-time.ts';
import { readerTime } from '../terminal/reader-time.ts';

/** The options that name a time ahead. */
export interface SpanOptions {
  /** A time, or a duration from now; null: now. */
  readonly from: string | null;
  /** A time, or a duration from the beginning. */
  readonly until: string | null;
  readonly for: string | null;
}

/**
 * Parses the beginning and the end of a span; the end is null if neither --until nor --for was given. Throws FleetError
 * `usage` if both were given, for a text that is no time, and for a time that has passed.
 */
export function parseSpanAhead(
  { from, until, for: duration }: SpanOptions,
  config: Pick<Config, 'alerts'>,
  nowMs: number,
): { readonly startsAtMs: number; readonly endsAtMs: number | null } {
  if (until !== null && duration !== null) {
    throw usageError('--until and --for contradict each other', 'Give one of them.');
  }
  const startsAtMs = from === null ? nowMs : parseAhead('--from', from, config, nowMs);
  if (duration !== null) return { startsAtMs, endsAtMs: startsAtMs + parseSpanOption('--for', duration) };
  return { startsAtMs, endsAtMs: until === null ? null : parseAhead('--until', until, config, startsAtMs) };
}

/** Parses `2h` after a time, a clock's next `18:00`, `tomorrow 08:00`, or a time of ISO 8601 in the readers' zone. */
function parseAhead(option: string, text: string, config: Pick<Config, 'alerts'>, fromMs: number): number {
  const { zone, moment } = readerTime(config, fromMs);
  const spanMs = parseDuration(text);
  const atMs = spanMs === null ? timeNear(text, zone, fromMs, 1) : fromMs + spanMs;
  if (atMs === null) throw noTime(option, text, 'Write 2h, 18:00, tomorrow, tomorrow 08:00,', zone);
  if (atMs <= fromMs) {
    const read = spanMs === null ? `, read as ${moment(atMs)} ${zone},` : '';
    throw usageError(
      `${option} ${JSON.stringify(text)}${read} has passed`,
      `Give a time after ${moment(fromMs)} (${zone}).`,
    );
  }
  return atMs;
}

/**
 * Parses `30d` ago, a clock's last `06:00`, `yesterday 18:00`, or a time of ISO 8601 in the readers' zone. Throws
 * FleetError `usage` for any other text, and for a time in the future.
 */
export function parseSince(option: string, text: string, config: Pick<Config, 'alerts'>, nowMs: number): number {
  const { zone, moment } = readerTime(config, nowMs);
  const spanMs = parseDuration(text);
  const sinceMs = spanMs === null ? timeNear(text, zone, nowMs, -1) : nowMs - spanMs;
  if (sinceMs === null) throw noTime(option, text, 'Write 30d, 12h, 18:00, yesterday,', zone);
  if (sinceMs >= nowMs) {
    throw usageError(`${option} ${JSON.stringify(text)} has not passed yet`, `It is ${moment(nowMs)} (${zone}) now.`);
  }
  return sinceMs;
}

function noTime(option: string, text: string, forms: string, zone: string): FleetError {
  const advice = `${forms} 2026-12-01 06:00 (${zone}) or 2026-12-01T06:00:00Z.`;
  return usageError(`${option} ${JSON.stringify(text)} is no time`, advice);
}

const dayOffsets: Readonly<Record<string, number>> = { yesterday: -1, today: 0, tomorrow: 1 };

/** Parses a day's name, a clock's time, both, or ISO 8601. A time without a day is the next, or with -1 the last. */
function timeNear(text: string, zone: string, nowMs: number, direction: 1 | -1): number | null {
  const parts = /^(?:(yesterday|today|tomorrow)\b *)?(\d?\d:\d\d)?$/i.exec(text.trim());
  const [, name, clock] = parts ?? [];
  if (name === undefined && clock === undefined) return parseMoment(text, zone);
  const minute = parseClock((clock ?? '00:00').padStart(5, '0'));
  if (minute === null) return null;
  const at = (days: number): number => wallTime(zone, calendarDay(zone, nowMs) + days * dayMs, minute);
  if (name !== undefined) return at(dayOffsets[name.toLowerCase()] ?? 0);
  const isAhead = direction > 0 ? at(0) > nowMs : at(0) < nowMs;
  return at(isAhead ? 0 : direction);
}

/** Parses a duration greater than zero to milliseconds. Throws FleetError `usage`. */
export function parseSpanOption(option: string, text: string): number {
  const spanMs = parseDuration(text);
  if (spanMs !== null && spanMs > 0) return spanMs;
  throw usageError(`${option} ${JSON.stringify(text)} is no duration`, 'Write 30m, 4h, 2d or 1h30m.');
}

const maxCommentChars = 1000;

/** Returns the value of --comment. Throws FleetError `usage` if it is too long. */
export function checkComment(text: string): string {
  return checkLength('--comment', text, maxCommentChars);
}

/** Returns the text. Throws FleetError `usage` if the text is longer than its column. */
export function checkLength(option: string, text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  throw usageError(`${option} is longer than ${maxChars} characters`, 'Say it shorter.');
}
