import type { Client } from '../config.ts';

/** A client is late if no report has arrived for this many of its intervals. */
const missedReports = 3;

/**
 * Returns the time after which a client without a report is late. A client that pushes has an interval of its own,
 * which counts only if it is longer than `every` of the collector.
 */
export function lateAfterMs({ pushEveryMs }: Pick<Client, 'pushEveryMs'>, everyMs: number): number {
  return missedReports * Math.max(everyMs, pushEveryMs ?? 0);
}
