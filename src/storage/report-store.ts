import { clientFacts } from './client-facts.ts';
import { createClientShares } from './client-shares.ts';
import type { Database } from './database.ts';
import { asStorageErrors } from './fault.ts';
import { ingest } from './ingest.ts';
import { countPrunable, prune } from './prune.ts';
import { saveOwnDisks } from './own-disks.ts';
import { fileSpace } from './reclaim.ts';
import { renameClient } from './rename-client.ts';
import { endRun, startRun } from './runs.ts';
import { saveSealed } from './sealed-reports.ts';
import type { ReportStore } from './storage.ts';
import { saveVisits } from './visits.ts';

/** What the collector may do. */
export function createReportStore(database: Database): ReportStore {
  const shares = createClientShares();
  const brought = new Map<string, number>();
  return {
    startRun: (run) => asStorageErrors(() => startRun(database, run)),
    endRun: (start, end) => asStorageErrors(() => endRun(database, start, end)),
    saveVisits: (visits) => asStorageErrors(() => saveVisits(database, visits)),
    ingest: (items) => asStorageErrors(() => ingest(database, items, shares)),
    saveSealed: (items) => asStorageErrors(() => saveSealed(database, items, brought)),
    clientFacts: () => asStorageErrors(() => clientFacts(database)),
    renameClient: (from, to) => asStorageErrors(() => renameClient(database, from, to)),
    prune: (limits, signal, onStep) => asStorageErrors(() => prune(database, limits, signal, onStep)),
    countPrunable: (limits) => asStorageErrors(() => countPrunable(database, limits)),
    saveOwnDisks: (report) => asStorageErrors(() => saveOwnDisks(database, report)),
    fileSpace: () => asStorageErrors(() => fileSpace(database)),
  };
}
