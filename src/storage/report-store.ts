import { clientFacts } from './rows/client-facts.ts';
import { createClientShares } from './reports/client-shares.ts';
import type { Database } from './sql/database.ts';
import { ingest } from './reports/ingest.ts';
import { saveStateDisks } from './reports/state-disks.ts';
import { endRun, startRun } from './reports/runs.ts';
import { saveSealed } from './reports/sealed-reports.ts';
import type { ReportStore } from './store/storage.ts';
import { saveVisits } from './reports/visits.ts';

export function createReportStore(database: Database): ReportStore {
  const shares = createClientShares();
  const brought = new Map<string, number>();
  return {
    startRun: (run) => startRun(database, run),
    endRun: (start, end) => endRun(database, start, end),
    saveVisits: (visits) => saveVisits(database, visits),
    ingest: (items) => ingest(database, items, shares),
    saveSealed: (items) => saveSealed(database, items, brought),
    clientFacts: () => clientFacts(database),
    saveStateDisks: (report) => saveStateDisks(database, report),
  };
}
