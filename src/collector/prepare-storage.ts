import type { Config } from '../config/config.ts';
import { asFleetError } from '../errors.ts';
import type { FleetError } from '../errors.ts';
import type { ClientFacts, ReportStore, RunStart, Storage } from '../storage/storage.ts';
import type { CollectOptions } from './collect-options.ts';
import { boundJournals, replayJournals } from './journal.ts';

export interface PrepareStorageOptions {
  readonly config: Config;
  readonly openStorage: () => Promise<Storage>;
  readonly journalDir: string;
  readonly start: RunStart;
  readonly observe: CollectOptions['observe'];
  readonly onFault: (fault: FleetError) => void;
}

export interface PreparedStorage {
  /** null: it could not be opened. To be closed at the end. */
  readonly storage: Storage | null;
  /** Both null while the database is away. */
  readonly store: ReportStore | null;
  readonly facts: ReadonlyMap<string, ClientFacts> | null;
  /** Journals of earlier runs were told: the database was away until now. */
  readonly wasAway: boolean;
}

/**
 * Opens the storage, tells it what the journals of earlier runs hold, follows renames and reads what is known of the
 * clients. A database that cannot be had is a fault of the run and no more: the pass is made without it.
 */
export async function prepareStorage(options: PrepareStorageOptions): Promise<PreparedStorage> {
  let storage: Storage | null = null;
  try {
    storage = await options.openStorage();
    const store = storage.reports;
    const wasAway = await replay(options, store);
    return { storage, store, facts: await factsAfterRenames(options, store), wasAway };
  } catch (thrown) {
    options.onFault(asFleetError(thrown, { code: 'storage-failed', stage: 'storage' }));
    boundJournals(options.journalDir);
    return { storage, store: null, facts: null, wasAway: true };
  }
}

/** Whether there was anything to tell. */
async function replay({ journalDir, start, observe }: PrepareStorageOptions, store: ReportStore): Promise<boolean> {
  const { runs, visits, refused, dropped } = await replayJournals(journalDir, store, start.startedAtMs);
  if (runs > 0) observe({ kind: 'note', message: `told the database of ${runs} earlier runs and ${visits} visits` });
  if (refused > 0) observe({ kind: 'note', message: `the database refused the records of ${refused} earlier runs` });
  if (dropped > 0) observe({ kind: 'note', message: `the records of ${dropped} runs went: the journal was full` });
  return runs + visits + refused + dropped > 0;
}

async function factsAfterRenames(
  { config, observe }: PrepareStorageOptions,
  store: ReportStore,
): Promise<ReadonlyMap<string, ClientFacts>> {
  const facts = await store.clientFacts();
  const names = new Set(config.clients.map((client) => client.name));
  let renamed = 0;
  for (const { name, was } of config.clients) {
    // A former name that is in use again belongs to its new bearer.
    if (was === null || !facts.has(was) || names.has(was)) continue;
    if (!(await store.renameClient(was, name))) continue;
    observe({ kind: 'note', message: `${was} is now called ${name}` });
    renamed++;
  }
  return renamed === 0 ? facts : await store.clientFacts();
}
