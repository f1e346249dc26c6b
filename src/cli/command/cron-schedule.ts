import { usageError } from '../../platform/errors/errors.ts';
import { jitterOf } from '../../platform/jitter.ts';
import { minuteMs } from '../../platform/units.ts';
import { formatDuration } from '../../text/durations.ts';

/** The pauses that the five fields of crontab(5) can express evenly, in minutes. */
const choices = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440] as const;
const hourMinutes = 60;
const dayMinutes = 1440;

/** Returns the least pause of crontab(5) that is no shorter than this one; at most a day. */
export function schedulablePause(everyMs: number): number {
  const minutes = choices.find((choice) => choice * minuteMs >= everyMs) ?? dayMinutes;
  return minutes * minuteMs;
}

/**
 * Returns the five fields of crontab(5) for a pause. Machines with different seeds start at different minutes, never at
 * full ones, when most other jobs start. Throws FleetError `usage` for a pause that crontab(5) cannot express evenly.
 */
export function cronSchedule(everyMs: number, seed: string): string {
  const minutes = choices.find((choice) => choice * minuteMs === everyMs);
  if (minutes === undefined) {
    const listed = choices.map((choice) => formatDuration(choice * minuteMs)).join(', ');
    throw usageError(`a crontab cannot say "every ${formatDuration(everyMs)}"`, `Take one of ${listed}.`);
  }
  const spread = jitterOf(seed);
  if (minutes === 1) return '* * * * *';
  if (minutes < hourMinutes) return `${1 + (spread % (minutes - 1))}-59/${minutes} * * * *`;
  const minute = 1 + (spread % (hourMinutes - 1));
  if (minutes === hourMinutes) return `${minute} * * * *`;
  const hour = Math.floor(spread / hourMinutes) % Math.min(24, minutes / hourMinutes);
  return minutes === dayMinutes ? `${minute} ${hour} * * *` : `${minute} ${hour}-23/${minutes / hourMinutes} * * *`;
}
