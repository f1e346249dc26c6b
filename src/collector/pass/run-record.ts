import { asFleetError } from '../../errors.ts';
import type { FleetError } from '../../errors.ts';
import type { ReportStore, VisitRecord } from '../../storage/store/storage.ts';
import type { JournalFile } from './journal.ts';
import type { RunEnd, RunStart } from '../../storage/store/run.ts';

export interface RunRecordOptions {
  /** null while the database is away. */
  readonly store: ReportStore | null;
  readonly journal: JournalFile;
  readonly start: RunStart;
  readonly onFault: (fault: FleetError) => void;
}

/** What the database is to know of this run: told in batches, or kept in the journal for the next run to tell. */
export interface RunRecord {
  readonly visit: (visit: VisitRecord) => void;
  /** Once everything else was told. Never rejects. */
  readonly end: (end: RunEnd) => Promise<void>;
}

const batchSize = 200;

export function startRunRecord(options: RunRecordOptions): RunRecord {
  const { journal, start, onFault } = options;
  let { store } = options;
  let batch: VisitRecord[] = [];
  let writing: Promise<void> = Promise.resolve();

  const orJournal = async (tell: (store: ReportStore) => Promise<void>, keep: () => void): Promise<void> => {
    if (store !== null) {
      try {
        await tell(store);
        return;
      } catch (thrown) {
        // What the database missed must reach it in order, so from here on the journal has it all.
        store = null;
        onFault(asFleetError(thrown, { code: 'storage-failed', stage: 'storage' }));
      }
    }
    try {
      keep();
    } catch (thrown) {
      onFault(asFleetError(thrown, { code: 'spool-full', stage: 'spool' }));
    }
  };

  const flush = (): Promise<void> => {
    const visits = batch;
    batch = [];
    if (visits.length === 0) return writing;
    writing = writing.then(() =>
      orJournal(
        (told) => told.saveVisits(visits),
        () => journal.visits(visits),
      ),
    );
    return writing;
  };

  const removeJournal = (): void => {
    try {
      journal.remove();
    } catch (thrown) {
      onFault(asFleetError(thrown, { code: 'state-unusable', stage: 'spool' }));
    }
  };

  try {
    journal.begin();
  } catch (thrown) {
    onFault(asFleetError(thrown, { code: 'spool-full', stage: 'spool' }));
  }
  // No visit waits for that.
  writing = orJournal(
    (told) => told.startRun(start),
    () => undefined,
  );
  return {
    visit: (visit) => {
      batch.push(visit);
      if (batch.length >= batchSize) void flush();
    },
    end: async (end) => {
      await flush();
      await orJournal(
        (told) => told.endRun(start, end),
        () => journal.end(end),
      );
      if (store !== null) removeJournal();
    },
  };
}
