import type { Config } from '../../config/config.ts';
import { describeAge } from '../../text/durations.ts';
import { serverZone } from '../../text/server-zone.ts';
import { zoneOffsetMs } from '../../text/zone-time.ts';

/** The zone and format of times for the readers of this fleet. */
export type ReaderTime = ReturnType<typeof readerTime>;

/** Times that are nearer than this are `just now`. */
const justNowMs = 2_000;

/** Returns the zone and format of times. */
export function readerTime({ alerts }: Pick<Config, 'alerts'>, nowMs: number) {
  const moment = (atMs: number): string => utcMinute(atMs + zoneOffsetMs(alerts.zone, atMs));
  return {
    /** The zone's name: that of <alerts zone>, else this machine's. */
    get zone(): string {
      return alerts.zone ?? serverZone();
    },
    /** Formats a time as `2026-11-20 10:05`, which `--until` reads. */
    moment,
    /** Formats the time of something that has happened as `2026-11-20 10:05 (2h ago)`. */
    momentAndAge: (atMs: number): string => `${moment(atMs)} (${ageWords(nowMs - atMs)})`,
    /** Formats the time of something that was arranged as `2026-11-20 10:05 (in 2h)`, or `(2h ago)`. */
    momentAndWait: (atMs: number): string =>
      `${moment(atMs)} (${atMs - nowMs < justNowMs ? ageWords(nowMs - atMs) : `in ${describeAge(atMs - nowMs)}`})`,
  };
}

/** Returns `2h ago` or `just now`. What has happened in a time to come was written while a clock was ahead. */
function ageWords(ageMs: number): string {
  if (Math.abs(ageMs) < justNowMs) return 'just now';
  return ageMs > 0 ? `${describeAge(ageMs)} ago` : `by a clock ${describeAge(-ageMs)} ahead`;
}

/** Returns a time as ISO 8601 in UTC. null stays null. */
export function jsonTime(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

/** Returns a time without seconds in UTC: `2026-11-20 10:05`. */
export function utcMinute(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
}
