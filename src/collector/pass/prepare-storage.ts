import type { Config } from '../../config/config.ts';
import { asFleetError } from '../../errors.ts';
import type { FleetError } from '../../errors.ts';
import type { ClientFacts, ReportStore, Storage } from '../../storage/store/storage.ts';
import type { CollectOptions } from '../collect-options.ts';
import { followRenames } from './follow-renames.ts';
import { boundJournals, replayJournals } from './journal.ts';
import type { Replay } from './journal.ts';
import type { StorageLimits, StorageTime } from './storage-limits.ts';
import type { RunStart } from '../../storage/store/run.ts';
import { counted } from '../../text/numbers.ts';

export interface PrepareStorageOptions {
  readonly config: Config;
  readonly openStorage: CollectOptions['openStorage'];
  readonly time: StorageTime;
  readonly limits: StorageLimits;
  readonly journalDir: string;
  readonly start: RunStart;
  readonly observe: CollectOptions['observe'];
  readonly onFault: (fault: FleetError) => void;
  /** Whether clients that were renamed are followed; else `ingest` does it, who has the right to. */
  readonly renames: boolean;
}

export interface PreparedStorage {
  /** null: it could not be opened. To be closed at the end. */
  readonly storage: Storage | null;
  /** Both null while the database is away. */
  readonly store: ReportStore | null;
  readonly facts: ReadonlyMap<string, ClientFacts> | null;
  /** Journals of earlier runs were told: the database was away until now. */
  readonly wasAway: boolean;
  /** Runs whose journals there was no time for yet. */
  readonly journalsLeft: number;
}

/**
 * Opens the storage, tells it what the journals of earlier runs hold, follows renames and reads what is known of the
 * clients. A database that cannot be had, or not in time, is a fault of the run and no more: the pass is made without it.
 */
export async function prepareStorage(options: PrepareStorageOptions): Promise<PreparedStorage> {
  const { time, limits } = options;
  let storage: Storage | null = null;
  time.endIn(limits.prepareMs);
  try {
    storage = await options.openStorage({ signal: time.signal, onMigrating: () => time.endIn(null) });
    // Anew where migrations took their time.
    time.endIn(limits.prepareMs);
    const store = storage.reports;
    const replay = await tellJournals({ ...options, store, timeMs: limits.replayMs });
    const { runs, visits, refused, dropped, left } = replay;
    const facts = options.renames ? await followRenames(options, store) : await store.clientFacts();
    return { storage, store, facts, wasAway: runs + visits + refused + dropped + left > 0, journalsLeft: left };
  } catch (thrown) {
    options.onFault(asFleetError(thrown, { code: 'storage-failed', stage: 'storage' }));
    boundJournals(options.journalDir);
    return { storage, store: null, facts: null, wasAway: true, journalsLeft: 0 };
  } finally {
    time.endIn(null);
  }
}

export interface TellJournalsOptions extends Pick<PrepareStorageOptions, 'journalDir' | 'start' | 'observe'> {
  readonly store: ReportStore;
  readonly timeMs: number;
}

/** Tells the database what earlier runs could not, as far as there is time, and says so. Throws what the store throws. */
export async function tellJournals({
  journalDir,
  start,
  observe,
  store,
  timeMs,
}: TellJournalsOptions): Promise<Replay> {
  const replay = await replayJournals(journalDir, store, start.startedAtMs, { timeMs, own: start.id });
  const { runs, visits, refused, dropped } = replay;
  if (runs > 0)
    observe({
      kind: 'note',
      message: `told the database of ${counted(runs, 'earlier run')} and ${counted(visits, 'visit')}`,
    });
  if (refused > 0)
    observe({ kind: 'note', message: `the database refused ${counted(refused, 'record')} of earlier runs` });
  if (dropped > 0) observe({ kind: 'note', message: `the records of ${dropped} runs went: the journal was full` });
  return replay;
}
