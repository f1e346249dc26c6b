import { asFleetError, type FleetError } from '../../platform/errors/errors.ts';
import { storeEach } from '../../storage/sql/store-each.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import type { ReportStore, VisitRecord } from '../../storage/store/storage.ts';
import { removeStored, sizeOf } from '../inbox/document-files.ts';
import type { RunDocuments } from '../inbox/run-documents.ts';
import type { Keep } from '../inbox/stored-files.ts';
import { storageFault } from './run-faults.ts';

type RunStore = Pick<ReportStore, 'startRun' | 'saveVisits' | 'endRun'>;

export interface RunRecordOptions {
  /** The store; null while the database is away. */
  readonly store: RunStore | null;
  readonly documents: RunDocuments;
  /** Takes the documents of records that the database has. */
  readonly keep: Keep;
  readonly start: RunStart;
  readonly onFault: (fault: FleetError) => void;
}

/** The visits of one transaction. */
const batchSize = 200;

/**
 * Records the run and its visits: first in documents, so that no kill loses them, and then in batches in the database.
 * A document whose records the database has is handed over; the next run stores the others.
 */
export class RunRecord {
  readonly #options: RunRecordOptions;
  #store: RunStore | null;
  #batch: VisitRecord[] = [];
  #saving: Promise<void>;
  /** True if neither the database nor the disk took a record. */
  #isLost = false;
  #isUnwritable = false;

  /** Records the start. Visits do not wait for the record. */
  constructor(options: RunRecordOptions) {
    this.#options = options;
    this.#store = options.store;
    const { documents, start } = options;
    // Begins to write before it returns.
    const begun = this.#write(() => documents.begin());
    this.#saving = begun.then(() => this.#inStore((into) => into.startRun(start))).then(() => undefined);
  }

  visit(visit: VisitRecord): void {
    this.#batch.push(visit);
    if (this.#batch.length >= batchSize) void this.#flush();
  }

  /** Records the end after everything else. Returns it: a run that lost records has failed. Never rejects. */
  async end<End extends RunEnd>(given: End): Promise<End> {
    const { documents, start } = this.#options;
    await this.#flush();
    const asLost = (): End => (this.#isLost ? { ...given, outcome: 'failed' } : given);
    const end = asLost();
    const file = await this.#write(() => documents.end(end));
    const isStored = await this.#inStore((into) => into.endRun(start, end));
    this.#settle(file, isStored);
    if (isStored) await this.#write(() => documents.close());
    return asLost();
  }

  #flush(): Promise<void> {
    const visits = this.#batch;
    this.#batch = [];
    if (visits.length > 0) this.#saving = this.#saving.then(() => this.#save(visits));
    return this.#saving;
  }

  /** Stores visits. A visit that the database does not take costs no other, and waits in a document of its own. */
  async #save(visits: readonly VisitRecord[]): Promise<void> {
    const { documents } = this.#options;
    const file = await this.#write(() => documents.visits(visits));
    let refused: readonly VisitRecord[] = [];
    const isStored = await this.#inStore(async (into) => {
      refused = (await storeEach(visits, (some) => into.saveVisits(some))).map(({ record }) => record);
    });
    if (refused.length === 0) {
      this.#settle(file, isStored);
      return;
    }
    if (file !== null) removeStored(file);
    this.#settle(await this.#write(() => documents.visits(refused)), false);
    const others = visits.filter((visit) => !refused.includes(visit));
    if (others.length > 0) this.#settle(await this.#write(() => documents.visits(others)), true);
  }

  /** Hands over the document of stored records. `null`: it could not be written. */
  #settle(file: string | null, isStored: boolean): void {
    if (!isStored && file === null) this.#isLost = true;
    if (!isStored || file === null) return;
    try {
      this.#options.keep(file, { bytes: sizeOf(file) });
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Returns false if the database does not take the records. */
  async #inStore(work: (into: RunStore) => Promise<void>): Promise<boolean> {
    if (this.#store === null) return false;
    try {
      await work(this.#store);
      return true;
    } catch (thrown) {
      // Records must reach the database in order. From here on all records wait in documents.
      this.#store = null;
      this.#options.onFault(storageFault(thrown));
      return false;
    }
  }

  /** Returns null if the documents cannot be written. */
  async #write<T>(work: () => T | Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (thrown) {
      this.#fail(thrown);
      return null;
    }
  }

  #fail(thrown: unknown): void {
    if (this.#isUnwritable) return;
    this.#isUnwritable = true;
    this.#options.onFault(asFleetError(thrown, { code: 'state-unusable', stage: 'spool' }));
  }
}
