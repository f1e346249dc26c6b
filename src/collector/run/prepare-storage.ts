import type { FleetError } from '../../platform/errors/errors.ts';
import type { Restored } from '../../storage/store/run.ts';
import type { ClientFacts, Storage } from '../../storage/store/storage.ts';
import { counted } from '../../text/numbers.ts';
import type { CollectorRun } from '../collect-options.ts';
import { boundDocuments } from '../inbox/document-files.ts';
import { allowances, documentsOf } from '../inbox/origins.ts';
import type { Keep } from '../inbox/stored-files.ts';
import { storeDocuments, type StoredDocuments } from '../inbox/store-documents.ts';
import { followRenames } from './follow-renames.ts';
import { storageFault } from './run-faults.ts';
import { lookAgain } from './second-look.ts';
import type { StorageLimits, StorageTime } from './storage-limits.ts';

export interface PrepareStorageOptions {
  readonly run: CollectorRun;
  /** Takes the documents that are stored. */
  readonly keep: Keep;
  readonly time: StorageTime;
  readonly limits: Pick<StorageLimits, 'prepareMs' | 'inboxMs'>;
  readonly onFault: (fault: FleetError) => void;
}

export interface PreparedStorage {
  /** The storage, which the caller closes; null if it could not be opened. */
  readonly opened: Storage | null;
  /** `storage` and `facts` are null while the database is away. */
  readonly storage: Storage | null;
  readonly facts: ReadonlyMap<string, ClientFacts> | null;
  /** True if there were documents of earlier runs: the database was away until now. */
  readonly wasAway: boolean;
  /** The number of documents for which there was no time. */
  readonly documentsLeft: number;
  /** Rows that the database had forgotten; null if it could not be asked. */
  readonly restored: Restored | null;
}

/**
 * Opens the storage, looks for what earlier runs have stored, stores the documents that wait, follows renames and reads
 * the facts of the clients. If the database cannot be opened in time, the run has a fault and goes on without it.
 */
export async function prepareStorage({
  run,
  keep,
  time,
  limits,
  onFault,
}: PrepareStorageOptions): Promise<PreparedStorage> {
  let opened: Storage | null = null;
  time.endIn(limits.prepareMs);
  try {
    const storage = await run.openStorage({
      signal: time.signal,
      onMigrating: () => time.endIn(null),
      onNote: (message) => run.observe({ kind: 'note', message }),
    });
    opened = storage;
    // The time of migrations does not count.
    time.endIn(limits.prepareMs);
    const store = storage.reports;
    const restored = await lookAgain({ run, storage, nowMs: run.start.startedAtMs, timeMs: limits.inboxMs / 2 });
    const { runs, visits, refused, dropped, left } = await storeWaiting(run, storage, limits.inboxMs, keep);
    // A collector that opens nothing has no right to rename or label. `ingest` does both.
    const mayChange = run.keyRing.opening !== null;
    const facts = mayChange ? await followRenames(run, storage) : await store.clientFacts();
    if (mayChange) await store.saveLabels(run.config.clients);
    return {
      opened,
      storage,
      facts,
      wasAway: runs + visits + refused + dropped + left > 0,
      documentsLeft: left,
      restored,
    };
  } catch (thrown) {
    onFault(storageFault(thrown));
    boundDocuments(documentsOf(run.paths, { kind: 'collector' }), allowances.collector.maxBytes);
    return { opened, storage: null, facts: null, wasAway: true, documentsLeft: 0, restored: null };
  } finally {
    time.endIn(null);
  }
}

/**
 * Stores the documents that wait in the inbox, within a time limit. `tryAgain` is false for the second call of a run.
 * Throws the store's error.
 */
export async function storeWaiting(
  { paths, config, start, observe }: Pick<CollectorRun, 'paths' | 'config' | 'start' | 'observe'>,
  { reports, events }: Pick<Storage, 'reports' | 'events'>,
  timeMs: number,
  keep: Keep,
  tryAgain = true,
): Promise<StoredDocuments> {
  const note = (message: string): void => observe({ kind: 'note', message });
  const stored = await storeDocuments({
    ...{ paths, stores: { reports, events }, config, nowMs: start.startedAtMs },
    ...{ timeMs, own: start.id, keep, tryAgain, onSetAside: note },
  });
  const { runs, visits, refused, foreign, dropped } = stored;
  if (runs > 0) note(`stored the records of ${counted(runs, 'earlier run')} and ${counted(visits, 'visit')}`);
  if (refused > 0) note(`${counted(refused, 'record')} of earlier runs cannot be stored`);
  if (dropped > 0) note(`${counted(dropped, 'document')} of earlier runs went: the inbox was full`);
  for (const [folder, records] of foreign) {
    note(
      `${counted(records, 'record')} of ${folder} do not count: they are not about its clients, or are too many or old`,
    );
  }
  return stored;
}
