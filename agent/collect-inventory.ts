import type { Collected, CollectOptions } from './collected.ts';

export function collectInventory(_: CollectOptions): Promise<Collected> {
  return Promise.resolve({ workerReports: [], counters: null });
}
