import { least } from '../../platform/group-by.ts';
import { number, type RecordOf, recordShape, text, textOrNull, time } from './record-shape.ts';

/** A client's clocks by its hello frame when the report arrived, on the collector's clock. */
export interface SealedClock {
  /** The client's wall clock minus ours. */
  readonly offsetMs: number;
  /** The time at which the client's monotonic clock was 0. */
  readonly monotonicZeroMs: number;
  readonly bootId: string | null;
}

/** A report stored as its client sent it, for the machine with the key. */
export interface SealedItem {
  readonly client: string;
  readonly reportId: string;
  /** The id of the key that opens the report, by its header: 16 hexadecimal digits. */
  readonly keyId: string;
  /** The run that stored it. */
  readonly runId: string;
  readonly receivedAtMs: number;
  readonly clock: SealedClock | null;
  readonly sealed: Uint8Array;
}

/** A row of `sealed_reports`, without its bytes. */
export const sealedPlace = recordShape({ id: number, receivedAtMs: time, sizeBytes: number });
export type SealedPlace = RecordOf<typeof sealedPlace>;

/** A row of `sealed_reports`. Nothing in it is trusted before the report is opened. */
export interface SealedRow extends Omit<SealedItem, 'runId'> {
  readonly id: number;
}

/** The choice of rows: those that no `ingest` has seen yet, or those that wait for one of these keys. */
export type SealedChoice = 'unseen' | { readonly keyIds: readonly string[] };

/** The waiting reports, by key and by the reason why they wait. */
export const storedSummary = recordShape({
  keyId: text,
  /** The reason why they still wait although an `ingest` has seen them; `null` if no `ingest` has. */
  code: textOrNull,
  reports: number,
  clients: number,
  /** The time at which the oldest report was stored, by the database's clock. */
  sinceMs: time,
});
export type SealedSummary = RecordOf<typeof storedSummary>;

/** The use of a key. */
export interface KeyUse {
  /** The number of reports in `sealed_reports`. */
  readonly waiting: number;
  /**
   * The keys of each client's reports at its newest good visit; `null` if unknown. Only clients that have ever
   * answered.
   */
  readonly clients: ReadonlyMap<string, readonly string[] | null>;
}

/** Sealed reports in the database, for `ingest` and for commands that list them. Throws FleetError. */
export interface SealedStore {
  /** Returns waiting reports, oldest first, after a place; null: from the beginning. */
  waiting(choice: SealedChoice, after: SealedPlace | null, limit: number): Promise<readonly SealedPlace[]>;
  /** Reads rows, in the order of the ids. Omits missing ones. */
  read(ids: readonly number[]): Promise<readonly SealedRow[]>;
  /** Records why these reports still wait. */
  mark(ids: readonly number[], code: string, message: string): Promise<void>;
  remove(ids: readonly number[]): Promise<void>;
  /**
   * Removes reports that are older than the retention and that no key has opened. A clock that has leapt ahead is not
   * trusted at once. Returns the number of removed reports.
   */
  removeKeyless(nowMs: number, keptMs: number): Promise<number>;
  summary(): Promise<readonly SealedSummary[]>;
  useOf(keyId: string): Promise<KeyUse>;
}

/** Sealed reports that no `ingest` has looked at. */
export interface UnseenSealed {
  readonly reports: number;
  /** The time at which the oldest report was stored. */
  readonly sinceMs: number;
}

/** Returns the reports that no `ingest` has looked at; `null` if there are none. */
export function unseenSealed(sealed: readonly SealedSummary[]): UnseenSealed | null {
  const unseen = sealed.filter(({ code }) => code === null);
  if (unseen.length === 0) return null;
  return {
    reports: unseen.reduce((sum, one) => sum + one.reports, 0),
    sinceMs: least(unseen.map(({ sinceMs }) => sinceMs)),
  };
}
