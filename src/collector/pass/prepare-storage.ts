import type { FleetError } from '../../errors.ts';
import type { ClientFacts, ReportStore, Storage } from '../../storage/store/storage.ts';
import { counted } from '../../text/numbers.ts';
import type { PassOptions } from '../collect-options.ts';
import { followRenames } from './follow-renames.ts';
import { boundJournals } from './journal-files.ts';
import { replayJournals, type Replay } from './replay-journals.ts';
import { storageFault } from './run-faults.ts';
import type { StorageLimits, StorageTime } from './storage-limits.ts';

export interface PrepareStorageOptions {
  readonly pass: PassOptions;
  readonly time: StorageTime;
  readonly limits: Pick<StorageLimits, 'prepareMs' | 'replayMs'>;
  readonly onFault: (fault: FleetError) => void;
}

export interface PreparedStorage {
  /** The storage, which the caller closes; null if it could not be opened. */
  readonly opened: Storage | null;
  /** `storage` and `facts` are null while the database is away. */
  readonly storage: Storage | null;
  readonly facts: ReadonlyMap<string, ClientFacts> | null;
  /** True if there were journals of earlier runs: the database was away until now. */
  readonly wasAway: boolean;
  /** The number of runs for whose journals there was no time. */
  readonly journalsLeft: number;
}

/**
 * Opens the storage, replays the journals of earlier runs, follows renames and reads the facts of the clients. If the
 * database cannot be opened in time, the run has a fault and the pass is made without it.
 */
export async function prepareStorage({ pass, time, limits, onFault }: PrepareStorageOptions): Promise<PreparedStorage> {
  let opened: Storage | null = null;
  time.endIn(limits.prepareMs);
  try {
    const storage = await pass.openStorage({ signal: time.signal, onMigrating: () => time.endIn(null) });
    opened = storage;
    // The time of migrations does not count.
    time.endIn(limits.prepareMs);
    const store = storage.reports;
    const { runs, visits, refused, dropped, left } = await replayEarlierRuns(pass, store, limits.replayMs);
    // A collector that opens nothing has no right to rename or label. `ingest` does both.
    const mayChange = pass.keyRing.opening !== null;
    const facts = mayChange ? await followRenames(pass, storage) : await store.clientFacts();
    if (mayChange) await store.saveLabels(pass.config.clients);
    return { opened, storage, facts, wasAway: runs + visits + refused + dropped + left > 0, journalsLeft: left };
  } catch (thrown) {
    onFault(storageFault(thrown));
    boundJournals(pass.paths.journal);
    return { opened, storage: null, facts: null, wasAway: true, journalsLeft: 0 };
  } finally {
    time.endIn(null);
  }
}

/**
 * Stores the records of earlier runs that the database does not have yet, within a time limit. `tryAgain` is false for
 * the second call of a run. Throws the store's error.
 */
export async function replayEarlierRuns(
  { paths, start, observe }: Pick<PassOptions, 'paths' | 'start' | 'observe'>,
  store: ReportStore,
  timeMs: number,
  tryAgain = true,
): Promise<Replay> {
  const note = (message: string): void => observe({ kind: 'note', message });
  const options = { timeMs, own: start.id, tryAgain, onSetAside: note };
  const replay = await replayJournals(paths.journal, store, start.startedAtMs, options);
  const { runs, visits, refused, dropped } = replay;
  if (runs > 0) note(`stored the records of ${counted(runs, 'earlier run')} and ${counted(visits, 'visit')}`);
  if (refused > 0) note(`${counted(refused, 'record')} of earlier runs cannot be stored`);
  if (dropped > 0) note(`the records of ${dropped} runs went: the journal was full`);
  return replay;
}
