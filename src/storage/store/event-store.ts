export const eventStatuses = ['OK', 'WARN', 'CRIT', 'UNKNOWN'] as const;
export type EventStatus = (typeof eventStatuses)[number];

/** An event before it is stored. A text is empty if the sender omitted it. */
export interface NewEvent {
  /** The id. Two events of one id are the same event. */
  readonly eventId: string;
  readonly receivedAtMs: number;
  readonly host: string;
  readonly service: string;
  readonly instance: string;
  /** null if the JSON had another form; `raw` holds the text. */
  readonly status: EventStatus | null;
  readonly description: string;
  readonly tags: readonly string[];
  readonly value: number | null;
  /** The seconds for which the status holds. */
  readonly ttl: number | null;
  readonly raw: string | null;
}

/** A stored event. */
export interface StoredEvent extends NewEvent {
  readonly rowId: number;
}

/** The days for which events are kept. */
export const eventDays = 7;
/** The days for which the newest event of a service is kept. */
export const newestEventDays = 35;

/** The newest event of a service of a host, or of an instance of it. */
export type NewestEvent = Pick<NewEvent, 'host' | 'service' | 'instance' | 'description' | 'receivedAtMs' | 'ttl'> & {
  readonly status: EventStatus;
};

/** The most services of hosts that are evaluated. */
export const maxServices = 20_000;

export interface EventStore {
  /** Stores events in their order, each id once. */
  saveEvents(events: readonly NewEvent[]): Promise<void>;
  /** Returns the newest event of each service, host and instance, oldest first. */
  newestEvents(): Promise<readonly NewestEvent[]>;
  /** Returns the newest event of each service, host and instance at a time, oldest first. */
  newestEventsAt(atMs: number): Promise<readonly NewestEvent[]>;
  /** Returns events of services after a time and behind a row, in the order of their rows. */
  eventsAfter(
    sinceMs: number,
    rowId: number,
    max: number,
  ): Promise<readonly (NewestEvent & { readonly rowId: number })[]>;
  /** Returns the oldest events that no program of `<events command>` has taken, oldest first. */
  unprocessedEvents(max: number): Promise<readonly StoredEvent[]>;
  /** Marks an event as taken by the program of `<events command>`. */
  markProcessed(rowId: number): Promise<void>;
}
