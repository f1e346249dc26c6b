import { asFleetError, type FleetError } from '../../errors.ts';
import { storeEach } from '../../storage/sql/store-each.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import type { ReportStore, VisitRecord } from '../../storage/store/storage.ts';
import type { RunDocuments } from '../inbox/run-documents.ts';
import { storageFault } from './run-faults.ts';

type RunStore = Pick<ReportStore, 'startRun' | 'saveVisits' | 'endRun'>;

export interface RunRecordOptions {
  /** The store; null while the database is away. */
  readonly store: RunStore | null;
  readonly documents: RunDocuments;
  readonly start: RunStart;
  readonly onFault: (fault: FleetError) => void;
}

/** The visits of one transaction. */
const batchSize = 200;

/** Records the run and its visits in the database, in batches, or in documents for the next run to store. */
export class RunRecord {
  readonly #options: RunRecordOptions;
  #store: RunStore | null;
  #batch: VisitRecord[] = [];
  #saving: Promise<void>;
  /** True if neither the database nor the disk took a record. */
  #isLost = false;

  /** Records the start. Visits do not wait for the record. */
  constructor(options: RunRecordOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#inDocuments((documents) => documents.begin());
    this.#saving = this.#save(
      (into) => into.startRun(options.start),
      () => undefined,
    );
  }

  visit(visit: VisitRecord): void {
    this.#batch.push(visit);
    if (this.#batch.length >= batchSize) void this.#flush();
  }

  /** Records the end after everything else. Returns it: a run that lost records has failed. Never rejects. */
  async end<End extends RunEnd>(given: End): Promise<End> {
    await this.#flush();
    const asLost = (): End => (this.#isLost ? { ...given, outcome: 'failed' } : given);
    const end = asLost();
    await this.#save(
      (into) => into.endRun(this.#options.start, end),
      (documents) => documents.end(end),
    );
    if (this.#store !== null) this.#inDocuments((documents) => documents.remove());
    return asLost();
  }

  #flush(): Promise<void> {
    const visits = this.#batch;
    this.#batch = [];
    if (visits.length === 0) return this.#saving;
    this.#saving = this.#saving.then(() =>
      this.#save(
        (into) => this.#saveVisits(into, visits),
        (documents) => documents.visits(visits),
      ),
    );
    return this.#saving;
  }

  /** Stores visits. One that the database does not take costs no other, and goes to a document. */
  async #saveVisits(into: RunStore, visits: readonly VisitRecord[]): Promise<void> {
    const unstorable = await storeEach(visits, (some) => into.saveVisits(some));
    if (unstorable.length === 0) return;
    const isWritten = this.#inDocuments((documents) => documents.visits(unstorable.map(({ record }) => record)));
    if (!isWritten) this.#isLost = true;
  }

  async #save(inStore: (into: RunStore) => Promise<void>, write: (documents: RunDocuments) => void): Promise<void> {
    try {
      if (this.#store !== null) {
        await inStore(this.#store);
        return;
      }
    } catch (thrown) {
      // Records must reach the database in order. From here on all records go to documents.
      this.#store = null;
      this.#options.onFault(storageFault(thrown));
    }
    if (!this.#inDocuments(write)) this.#isLost = true;
  }

  /** Returns false if the documents cannot be written. */
  #inDocuments(write: (documents: RunDocuments) => void): boolean {
    const { documents, onFault } = this.#options;
    try {
      write(documents);
      return true;
    } catch (thrown) {
      onFault(asFleetError(thrown, { code: 'state-unusable', stage: 'spool' }));
      return false;
    }
  }
}
