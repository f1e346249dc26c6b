import type { StorageConfig } from '../config/databases/kinds.ts';
import type { Database, DatabaseUse } from './sql/database.ts';
import { createHistory } from './history.ts';
import { checkDatabase, migrateDatabase } from './migrate/migrate.ts';
import { throwMismatch } from './migrate/migration-state.ts';
import { openDatabase } from './dialects/open-database.ts';
import { createExportStore, createFigureStore } from './queries/figures.ts';
import { createCauseStore } from './alerts/causes.ts';
import { createChangeStore } from './queries/changes.ts';
import { createDetailStore } from './queries/detail.ts';
import { createDigestStore } from './queries/digest/digest.ts';
import { createLevelStore } from './queries/levels.ts';
import { createPlotStore, createRecordStore } from './queries/look.ts';
import { createEventStore } from './reports/events.ts';
import { createSealedStore, saveSealed } from './reports/sealed-reports.ts';
import type { Storage } from './store/storage.ts';
import { createEvaluationStore } from './alerts/evaluation.ts';
import { createFleetStore } from './alerts/fleet.ts';
import { createLeaseStore } from './alerts/lease.ts';
import { createNotificationStore } from './alerts/notifications.ts';
import { createOperatorStore } from './alerts/operator.ts';
import { createOutboxStore, createMailStore } from './alerts/outbox.ts';
import { createLinkStore, createReplyStore } from './alerts/replies.ts';
import { createAlertHistory } from './queries/alert-history.ts';
import { clientFacts } from './rows/client-facts.ts';
import { createClientShares } from './reports/client-shares.ts';
import { storeReports } from './reports/store-reports.ts';
import { createShareStore } from './reports/shares.ts';
import { stateDigests } from './reports/state.ts';
import { saveStateDisks } from './reports/state-disks.ts';
import { endRun, runsOf, saveRuns, startRun } from './reports/runs.ts';
import { saveVisits } from './reports/visits.ts';
import { createStoredStore } from './reports/stored-ids.ts';
import { databaseNowMs } from './sql/sql-time.ts';
import { forgetClient, forgetCollector } from './retention/forget.ts';
import { countPrunable, prune } from './retention/prune.ts';
import { saveLabels } from './reports/client-labels.ts';
import { renameClient } from './retention/rename-client.ts';

export interface OpenStorageOptions {
  readonly storage: StorageConfig;
  /** True if missing migrations are applied; otherwise they are a fault. */
  readonly migrate: boolean;
  /** Called before missing migrations are applied, which may take minutes. */
  readonly onMigrating?: () => void;
  /** Called with sentences for people about migrations that were applied. */
  readonly onNote?: (message: string) => void;
  /** Default: `change`. */
  readonly program?: DatabaseUse;
  /** Ends everything at once, a running statement included. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the database that `<storage>` names and checks that this program knows its schema. Throws FleetError:
 * storage-unavailable, storage-denied, storage-full, storage-failed, migration-mismatch, secret-missing.
 */
export async function openStorage(options: OpenStorageOptions): Promise<Storage> {
  const database = await openDatabase({ ...options, program: options.program ?? 'change' });
  try {
    if (options.migrate) {
      const { notes = [] } = await migrateDatabase(database, undefined, options.onMigrating);
      for (const note of notes) options.onNote?.(note);
    } else throwMismatch(await checkDatabase(database), 'none');
  } catch (thrown) {
    await database.close();
    throw thrown;
  }
  return storageOn(database);
}

/** Creates a storage on a database that is open and migrated. Closing the storage closes the database. */
export function storageOn(database: Database): Storage {
  const shares = createClientShares();
  const brought = new Map<string, number>();
  return {
    reports: {
      startRun: (run) => startRun(database, run),
      endRun: (start, end) => endRun(database, start, end),
      saveRuns: (runs) => saveRuns(database, runs),
      runsOf: (collectorId, sinceMs) => runsOf(database, collectorId, sinceMs),
      saveVisits: (visits) => saveVisits(database, visits),
      ingest: (items) => storeReports(database, items, shares),
      saveSealed: (items) => saveSealed(database, items, brought),
      clientFacts: () => clientFacts(database),
      saveLabels: (clients) => saveLabels(database, clients),
      stateDigests: (client) => stateDigests(database, client),
      saveStateDisks: (report) => saveStateDisks(database, report),
    },
    leases: createLeaseStore(database),
    evaluation: createEvaluationStore(database),
    fleet: createFleetStore(database),
    notifications: createNotificationStore(database),
    outbox: createOutboxStore(database),
    mails: createMailStore(database),
    operator: createOperatorStore(database),
    replies: createReplyStore(database),
    links: createLinkStore(database),
    alertHistory: createAlertHistory(database),
    retention: {
      renameClient: (from, to) => renameClient(database, from, to),
      forgetClient: (client, signal) => forgetClient(database, client, signal),
      forgetCollector: (collectorId) => forgetCollector(database, collectorId),
      prune: (limits, signal, onStep) => prune(database, limits, signal, onStep),
      countPrunable: (limits) => countPrunable(database, limits),
      fileSpace: () => database.space(),
    },
    history: createHistory(database),
    plots: createPlotStore(database),
    records: createRecordStore(database),
    levels: createLevelStore(database),
    figures: createFigureStore(database),
    exports: createExportStore(database),
    detail: createDetailStore(database),
    digest: createDigestStore(database),
    changes: createChangeStore(database),
    causes: createCauseStore(database),
    sealed: createSealedStore(database),
    events: createEventStore(database),
    shares: createShareStore(database),
    stored: createStoredStore(database),
    elsewhere: async (signal) => {
      const other = (await database.elsewhere?.(signal)) ?? null;
      return other === null ? null : { stored: createStoredStore(other), close: () => other.close() };
    },
    nowMs: () => database.read(databaseNowMs),
    close: () => database.close(),
  };
}
