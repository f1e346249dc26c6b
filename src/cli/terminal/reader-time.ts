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
    /** Formats a time as `2026-11-20 10:05 (2h ago)`, or `(in 2h)`. */
    momentAndAge: (atMs: number): string => `${moment(atMs)} (${ageWords(atMs - nowMs)})`,
  };
}

/** Returns `in 2h`, `2h ago` or `just now`: a clock that is slightly ahead writes times slightly ahead. */
function ageWords(aheadMs: number): string {
  if (Math.abs(aheadMs) < justNowMs) return 'just now';
  return aheadMs > 0 ? `in ${describeAge(aheadMs)}` : `${describeAge(-aheadMs)} ago`;
}

/** Returns a time as ISO 8601 in UTC. null stays null. */
export function jsonTime(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

/** Returns a time without seconds in UTC: `2026-11-20 10:05`. */
export function utcMinute(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
}
