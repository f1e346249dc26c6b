/** src/collector/run: the order of one run. */
import { availableParallelism } from 'node:os';

import type { Client } from '../../config/config.ts';
import type { FleetError } from '../../platform/errors/errors.ts';
import type { ShareStore } from '../../storage/store/share-store.ts';
import type { CollectorRun } from '../collect-options.ts';
import { sharedTurn, type SharedTurnOptions } from '../schedule/shared-turn.ts';
import { storageFault } from './run-faults.ts';

export interface BatchSource {
  readonly run: CollectorRun;
  /** The slices of a shared fleet; null while the database is away. */
  readonly shares: ShareStore | null;
  readonly onFault: (fault: FleetError) => void;
}

export interface Batches extends Pick<SharedTurnOptions, 'claimed' | 'hasReached' | 'signal'> {
  readonly watched: readonly Client[];
}

/** Returns the clients to visit: all at once, or slice by slice if collectors share the fleet. */
export function clientBatches(source: BatchSource, options: Batches) {
  const batches = batchesOf(source, options);
  let isRefused = false;
  return {
    /**
     * Returns the next batch; `null` if there is none, or if no slice can be claimed: the next cycle visits those
     * clients.
     */
    next: async (): Promise<readonly Client[] | null> => {
      try {
        const next = await batches.next();
        return next.done === true ? null : next.value;
      } catch (thrown) {
        const fault = storageFault(thrown);
        isRefused = fault.code === 'keys-invalid';
        source.onFault(fault);
        return null;
      }
    },
    /**
     * True if this collector may not share the fleet of its site, because its keys differ from the other collectors'
     * keys.
     */
    get isRefused(): boolean {
      return isRefused;
    },
  };
}

/** Yields the clients to visit, batch by batch. Yields none of a shared fleet while the database is away. */
async function* batchesOf(
  { run, shares }: BatchSource,
  { watched, claimed, hasReached, signal }: Batches,
): AsyncGenerator<readonly Client[]> {
  const { config, start, keyRing, dryRun, only } = run;
  const { collector } = config;
  const { sharedSite: site } = collector;
  if (site === null || only !== null) {
    yield watched;
    return;
  }
  const clients = watched.filter(({ labels }) => (labels['site'] ?? site) === site);
  if (dryRun) yield clients;
  if (dryRun || shares === null) return;
  const { collectorId: id, host } = start;
  const own = { id, site, host, keyId: keyRing.sealing.id, capacity: availableParallelism() };
  let isAny = false;
  const knowsKey = keyRing.known.has;
  const sinceStartMs = (): number => run.now() - start.startedAtMs;
  const called = { sinceStartMs, claimed, hasReached };
  for await (const batch of sharedTurn({ shares, own, knowsKey, clients, collector, signal, ...called })) {
    isAny ||= batch.length > 0;
    yield batch;
  }
  if (isAny || signal.aborted) return;
  const message = 'nothing is left to visit in this cycle; `fleet-health collect NAME` visits a client at once';
  run.observe({ kind: 'note', message });
}
