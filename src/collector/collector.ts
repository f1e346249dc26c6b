/**
 * One pass over the fleet: visits every client, takes sealed reports home, opens and stores them.
 *
 * Promises: a sealed report is on the client's disk or here until it is a row; one client's fault is a row and never
 * delays or fails another client; while the database is away reports are collected all the same and wait sealed.
 */
import type { CollectOptions, CollectResult } from './collect-options.ts';

/**
 * Makes one pass. Never throws for a client's fault; throws FleetError (exit status 3) when the pass cannot be made:
 * `state-unusable`, `keys-invalid`.
 */
export function collect(_options: CollectOptions): Promise<CollectResult> {
  return Promise.reject(new Error('not yet'));
}
