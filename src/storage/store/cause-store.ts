import type { StoredChange } from './digest-store.ts';

/** A change of one client, with the numbers by which other clients are compared. */
export interface ClientChange extends StoredChange {
  readonly itemId: number;
  /** The number of the value after the change; null for what is gone. */
  readonly afterId: number | null;
}

/** A change of the same item of another client. */
export type OtherChange = Pick<ClientChange, 'client' | 'itemId' | 'afterId' | 'earliestAtMs'>;

/** The newest look at a section of a client's state. */
export interface KnownSection {
  readonly client: string;
  readonly kind: string;
  /** The time of the newest look that read the section; null if none did. */
  readonly observedAtMs: number | null;
  /** The reason why the newest look read nothing; null if it did. */
  readonly error: string | null;
}

/** A span of time, without its beginning. */
export interface ChangeSpan {
  readonly afterMs: number;
  readonly untilMs: number;
}

/** The queries from which the causes of alerts are found. Change nothing. */
export interface CauseStore {
  /** Returns the changes of a client that were found within a span, newest first; at most `limit`. */
  changesOf(client: string, span: ChangeSpan, limit: number): Promise<readonly ClientChange[]>;
  /** Returns the changes of these items of these clients that were found within a span. */
  changesOfItems(
    itemIds: readonly number[],
    clients: readonly string[],
    span: ChangeSpan,
  ): Promise<readonly OtherChange[]>;
  /** Returns which of these clients have which of these values. */
  holders(valueIds: readonly number[], clients: readonly string[]): Promise<ReadonlyMap<number, ReadonlySet<string>>>;
  /** Returns which of these clients have any value of these items. */
  itemHolders(
    itemIds: readonly number[],
    clients: readonly string[],
  ): Promise<ReadonlyMap<number, ReadonlySet<string>>>;
  sections(clients: readonly string[]): Promise<readonly KnownSection[]>;
  /**
   * Returns the times at which changes of these clients were found within a span, by client, ascending. Leaves out items
   * that changed on `restlessDays` days or more.
   */
  changeTimes(
    clients: readonly string[],
    span: ChangeSpan,
    restlessDays: number,
  ): Promise<ReadonlyMap<string, readonly number[]>>;
  /** Returns the times at which changes of these items of a client were found within a span. */
  itemTimes(
    client: string,
    itemIds: readonly number[],
    span: ChangeSpan,
  ): Promise<ReadonlyMap<number, readonly number[]>>;
  /** Returns the time of the first look at a client's state; null if there was none. */
  firstLook(client: string): Promise<number | null>;
}
