import { pushIntervalMs } from './arrival.ts';
import type { Client } from '../config.ts';

/** A client is late if no report has arrived for this many of its intervals. */
const missedReports = 3;

/**
 * Returns the time after which a client without a report is late. A client that pushes has an interval of its own,
 * which counts only if it is longer than `every` of the collector. `null` for a client that left config.xml.
 */
export function lateAfterMs(client: Pick<Client, 'arrival'> | null, everyMs: number): number {
  const ownMs = client === null ? null : pushIntervalMs(client);
  return missedReports * Math.max(everyMs, ownMs ?? 0);
}
