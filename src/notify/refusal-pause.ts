import { hourMs, minuteMs } from '../platform/units.ts';

/** The pauses after permanent refusals. The last one repeats: an address may be repaired at any time. */
const pausesMs = [5 * minuteMs, 15 * minuteMs, hourMs] as const;

/** Returns the pause after the n-th permanent refusal (from 1): 5 minutes, 15 minutes, then an hour each. */
export function pauseAfterRefusal(refusals: number): number {
  return pausesMs[Math.max(0, refusals - 1)] ?? hourMs;
}
