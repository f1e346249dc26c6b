import { asFleetError, type FleetError } from '../../errors.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';
import type { ReportStore, VisitRecord } from '../../storage/store/storage.ts';
import type { JournalFile } from './journal.ts';
import { storageFault } from './run-faults.ts';

type RunStore = Pick<ReportStore, 'startRun' | 'saveVisits' | 'endRun'>;

export interface RunRecordOptions {
  /** null while the database is away. */
  readonly store: RunStore | null;
  readonly journal: JournalFile;
  readonly start: RunStart;
  readonly onFault: (fault: FleetError) => void;
}

export type RunRecord = ReturnType<typeof startRunRecord>;

const batchSize = 200;

/** Records the run and its visits in the database, in batches, or in the journal for the next run to replay. */
export function startRunRecord(options: RunRecordOptions) {
  const { journal, start, onFault } = options;
  let { store } = options;
  let batch: VisitRecord[] = [];

  const inJournal = (write: () => void): void => {
    try {
      write();
    } catch (thrown) {
      onFault(asFleetError(thrown, { code: 'state-unusable', stage: 'spool' }));
    }
  };

  const save = async (inStore: (into: RunStore) => Promise<void>, write: () => void): Promise<void> => {
    try {
      if (store !== null) {
        await inStore(store);
        return;
      }
    } catch (thrown) {
      // Records must reach the database in order. From here on all of them go to the journal.
      store = null;
      onFault(storageFault(thrown));
    }
    inJournal(write);
  };

  inJournal(() => journal.begin());
  // Visits do not wait for it.
  let saving = save(
    (into) => into.startRun(start),
    () => undefined,
  );
  const flush = (): Promise<void> => {
    const visits = batch;
    batch = [];
    if (visits.length === 0) return saving;
    saving = saving.then(() =>
      save(
        (into) => into.saveVisits(visits),
        () => journal.visits(visits),
      ),
    );
    return saving;
  };
  return {
    visit: (visit: VisitRecord): void => {
      batch.push(visit);
      if (batch.length >= batchSize) void flush();
    },
    /** Records the end after everything else. Never rejects. */
    end: async (end: RunEnd): Promise<void> => {
      await flush();
      await save(
        (into) => into.endRun(start, end),
        () => journal.end(end),
      );
      if (store !== null) inJournal(() => journal.remove());
    },
  };
}
