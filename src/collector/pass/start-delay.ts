import { jitterFraction } from '../../platform/jitter.ts';

const mostMs = 2000;
const perClientMs = 50;

/**
 * How long a collector that cron started waits before it begins: cron starts all collectors of a site at the same
 * second. It follows from the collector's id, so that its runs stay `every` apart; up to 2 s, and less for few clients.
 */
export function startDelayMs(collectorId: string, clients: number): number {
  return Math.round(jitterFraction(`start ${collectorId}`) * Math.min(mostMs, clients * perClientMs));
}
