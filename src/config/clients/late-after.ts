import type { Client } from '../config.ts';

/** A client is late when nothing of it has come for so many times its pause. */
const missedReports = 3;

/**
 * Returns the time after which a client without a report is late. One that pushes has a pause of its own, which does
 * not count where it is shorter than `every` of the collector.
 */
export function lateAfterMs({ pushEveryMs }: Pick<Client, 'pushEveryMs'>, everyMs: number): number {
  return missedReports * Math.max(everyMs, pushEveryMs ?? 0);
}
