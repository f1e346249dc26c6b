/** A client's clocks by its hello frame when the report came, on the collector's clock. */
export interface SealedClock {
  /** The client's wall clock minus ours. */
  readonly offsetMs: number;
  /** The time at which the client's monotonic clock stood at 0. */
  readonly monotonicZeroMs: number;
  readonly bootId: string | null;
}

/** A report that is stored as it was taken from its client, for the machine that has the key. */
export interface SealedItem {
  readonly client: string;
  readonly reportId: string;
  /** 16 hexadecimal digits: of the key that opens it, as its header says. */
  readonly keyId: string;
  /** The run that stored it. */
  readonly runId: string;
  readonly receivedAtMs: number;
  readonly clock: SealedClock | null;
  readonly sealed: Uint8Array;
}

/** A row of `sealed_reports`, without its bytes. */
export interface SealedPlace {
  readonly id: number;
  readonly receivedAtMs: number;
  readonly sizeBytes: number;
}

/** A row of `sealed_reports`: nothing of it is to be believed before it was opened. */
export interface SealedRow extends Omit<SealedItem, 'runId'> {
  readonly id: number;
}

/** Which rows are asked for: those that no `ingest` has seen yet, or those that have waited for one of these keys. */
export type SealedChoice = 'unseen' | { readonly keyIds: readonly string[] };

/** Waiting reports, by key and by the reason why they wait. */
export interface SealedSummary {
  readonly keyId: string;
  /** The reason why they wait although an `ingest` has seen them; `null`: no `ingest` has. */
  readonly code: string | null;
  readonly reports: number;
  readonly clients: number;
  /** The time at which the oldest was stored, by the database's clock. */
  readonly sinceMs: number;
}

/** The use of a key. */
export interface KeyUse {
  /** In `sealed_reports`. */
  readonly waiting: number;
  /** The keys of each client's reports at its newest good visit; `null` if unknown. Only clients that ever answered. */
  readonly clients: ReadonlyMap<string, readonly string[] | null>;
}

/** Sealed reports in the database, for `ingest` and for whoever asks what waits. Throws FleetError. */
export interface SealedStore {
  /** Oldest first, beyond a place; null: from the beginning. */
  waiting(choice: SealedChoice, after: SealedPlace | null, limit: number): Promise<readonly SealedPlace[]>;
  /** In the order of the ids that are still there. */
  read(ids: readonly number[]): Promise<readonly SealedRow[]>;
  /** Records why these reports wait on. */
  mark(ids: readonly number[], code: string, message: string): Promise<void>;
  remove(ids: readonly number[]): Promise<void>;
  /**
   * Removes reports that are older than what is kept and that no key has opened. A clock that has leapt ahead is not
   * believed at once. Returns how many were removed.
   */
  removeKeyless(nowMs: number, keptMs: number): Promise<number>;
  summary(): Promise<readonly SealedSummary[]>;
  useOf(keyId: string): Promise<KeyUse>;
}

/** Sealed reports that no `ingest` has looked at. */
export interface UnseenSealed {
  readonly reports: number;
  /** The time at which the oldest was stored. */
  readonly sinceMs: number;
}

/** Returns `null` if there are none. */
export function unseenSealed(sealed: readonly SealedSummary[]): UnseenSealed | null {
  const unseen = sealed.filter(({ code }) => code === null);
  if (unseen.length === 0) return null;
  return {
    reports: unseen.reduce((sum, one) => sum + one.reports, 0),
    sinceMs: Math.min(...unseen.map(({ sinceMs }) => sinceMs)),
  };
}
