import type { Config } from '../config/config.ts';
import { parseMoment } from '../config/calendar.ts';
import { parseDuration } from '../config/quantities.ts';
import { FleetError } from '../errors.ts';
import { readerTime } from './reader-time.ts';

/**
 * `2h` from now, or a time of ISO 8601; without an offset it is read in the readers' zone. Throws FleetError `usage` for
 * what is neither, and for a time that has passed.
 */
export function parseUntil(option: string, text: string, config: Pick<Config, 'alerts'>, nowMs: number): number {
  const { zone, moment } = readerTime(config, nowMs);
  const spanMs = parseDuration(text);
  const untilMs = spanMs === null ? parseMoment(text, zone) : nowMs + spanMs;
  if (untilMs === null) {
    throw usage(
      `${option} ${JSON.stringify(text)} is no time`,
      `Write 2h, 1h30m, 2026-12-01 06:00 (${zone}) or 2026-12-01T06:00:00Z.`,
    );
  }
  if (untilMs <= nowMs) {
    const read = spanMs === null ? `, read as ${moment(untilMs)} ${zone},` : '';
    throw usage(`${option} ${JSON.stringify(text)}${read} has passed`, `It is ${moment(nowMs)} (${zone}) now.`);
  }
  return untilMs;
}

/**
 * `30d` ago, or a time of ISO 8601, read as `parseUntil` does. Throws FleetError `usage` for what is neither, and for a
 * time that is still to come.
 */
export function parseSince(option: string, text: string, config: Pick<Config, 'alerts'>, nowMs: number): number {
  const { zone, moment } = readerTime(config, nowMs);
  const spanMs = parseDuration(text);
  const sinceMs = spanMs === null ? parseMoment(text, zone) : nowMs - spanMs;
  if (sinceMs === null) {
    throw usage(
      `${option} ${JSON.stringify(text)} is no time`,
      `Write 30d, 12h, 2026-12-01 06:00 (${zone}) or 2026-12-01T06:00:00Z.`,
    );
  }
  if (sinceMs >= nowMs) {
    throw usage(`${option} ${JSON.stringify(text)} has not passed yet`, `It is ${moment(nowMs)} (${zone}) now.`);
  }
  return sinceMs;
}

/** A duration longer than nothing, in milliseconds. Throws FleetError `usage`. */
export function parseSpanOption(option: string, text: string): number {
  const spanMs = parseDuration(text);
  if (spanMs !== null && spanMs > 0) return spanMs;
  throw usage(`${option} ${JSON.stringify(text)} is no duration`, 'Write 30m, 4h, 2d or 1h30m.');
}

/** What people write for other people; the database gives it so many characters. Throws FleetError `usage`. */
export function checkLength(option: string, text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  throw usage(`${option} is longer than ${maxChars} characters`, 'Say it shorter.');
}

function usage(message: string, advice: string): FleetError {
  return new FleetError({ code: 'usage', stage: 'usage', message, advice });
}
