import { fileSpace } from './dialects/sqlite/reclaim.ts';
import { forgetClient } from './retention/forget-client.ts';
import { forgetCollector } from './retention/forget-collector.ts';
import { countPrunable, prune } from './retention/prune.ts';
import { renameClient } from './retention/rename-client.ts';
import type { Database } from './sql/database.ts';
import type { RetentionStore } from './store/storage.ts';

export function createRetentionStore(database: Database): RetentionStore {
  return {
    renameClient: (from, to) => renameClient(database, from, to),
    forgetClient: (client, signal) => forgetClient(database, client, signal),
    forgetCollector: (collectorId) => forgetCollector(database, collectorId),
    prune: (limits, signal, onStep) => prune(database, limits, signal, onStep),
    countPrunable: (limits) => countPrunable(database, limits),
    fileSpace: () => fileSpace(database),
  };
}
