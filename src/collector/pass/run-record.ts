import { asFleetError, type FleetError } from '../../errors.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import type { ReportStore, VisitRecord } from '../../storage/store/storage.ts';
import type { JournalFile } from './journal.ts';
import { storageFault } from './run-faults.ts';

type RunStore = Pick<ReportStore, 'startRun' | 'saveVisits' | 'endRun'>;

export interface RunRecordOptions {
  /** The store; null while the database is away. */
  readonly store: RunStore | null;
  readonly journal: JournalFile;
  readonly start: RunStart;
  readonly onFault: (fault: FleetError) => void;
}

const batchSize = 200;

/** Records the run and its visits in the database, in batches, or in the journal for the next run to replay. */
export class RunRecord {
  readonly #options: RunRecordOptions;
  #store: RunStore | null;
  #batch: VisitRecord[] = [];
  #saving: Promise<void>;

  /** Records the start. Visits do not wait for the record. */
  constructor(options: RunRecordOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#inJournal((journal) => journal.begin());
    this.#saving = this.#save(
      (into) => into.startRun(options.start),
      () => undefined,
    );
  }

  visit(visit: VisitRecord): void {
    this.#batch.push(visit);
    if (this.#batch.length >= batchSize) void this.#flush();
  }

  /** Records the end after everything else. Never rejects. */
  async end(end: RunEnd): Promise<void> {
    await this.#flush();
    await this.#save(
      (into) => into.endRun(this.#options.start, end),
      (journal) => journal.end(end),
    );
    if (this.#store !== null) this.#inJournal((journal) => journal.remove());
  }

  #flush(): Promise<void> {
    const visits = this.#batch;
    this.#batch = [];
    if (visits.length === 0) return this.#saving;
    this.#saving = this.#saving.then(() =>
      this.#save(
        (into) => into.saveVisits(visits),
        (journal) => journal.visits(visits),
      ),
    );
    return this.#saving;
  }

  async #save(inStore: (into: RunStore) => Promise<void>, write: (journal: JournalFile) => void): Promise<void> {
    try {
      if (this.#store !== null) {
        await inStore(this.#store);
        return;
      }
    } catch (thrown) {
      // Records must reach the database in order. From here on all records go to the journal.
      this.#store = null;
      this.#options.onFault(storageFault(thrown));
    }
    this.#inJournal(write);
  }

  #inJournal(write: (journal: JournalFile) => void): void {
    const { journal, onFault } = this.#options;
    try {
      write(journal);
    } catch (thrown) {
      onFault(asFleetError(thrown, { code: 'state-unusable', stage: 'spool' }));
    }
  }
}
