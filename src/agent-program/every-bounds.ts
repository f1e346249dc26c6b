import { usageError } from '../platform/errors/errors.ts';
import { dayMs, secondMs } from '../platform/units.ts';
import { parseDuration } from '../text/durations.ts';

/** The bounds of the time between two reports: rates need ten seconds. */
export const everyBounds = { minMs: 10 * secondMs, maxMs: dayMs } as const;

/** Reads the value of `--every`. Throws FleetError `usage`. */
export function parseEvery(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null && ms >= everyBounds.minMs && ms <= everyBounds.maxMs) return ms;
  throw usageError(`--every ${text}: give a duration from 10s to 1d`, 'For example: --every 1m');
}
