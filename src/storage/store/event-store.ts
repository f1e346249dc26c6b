import { number, numberOrNull, type RecordOf, recordShape, text, textOrNull, time } from './record-shape.ts';

export const eventStatuses = ['OK', 'WARN', 'CRIT', 'UNKNOWN'] as const;
export type EventStatus = (typeof eventStatuses)[number];

/** A stored event. A text is empty if the sender omitted it. */
export const storedEvent = recordShape({
  rowId: number,
  /** The id. Two events of one id are the same event. */
  eventId: text,
  receivedAtMs: time,
  host: text,
  service: text,
  instance: text,
  /** null if the JSON had another form; `raw` holds the text. */
  status: statusOrNull,
  description: text,
  tags: readTags,
  value: numberOrNull,
  /** The seconds for which the status holds. */
  ttl: numberOrNull,
  raw: textOrNull,
});
export type StoredEvent = RecordOf<typeof storedEvent>;

/** An event before it is stored. */
export type NewEvent = Omit<StoredEvent, 'rowId'>;

function statusOrNull(value: unknown): EventStatus | null {
  return eventStatuses.find((status) => status === value) ?? null;
}

/** Reads the column `tags`. A row that another program wrote keeps no other from being read. */
function readTags(value: unknown): readonly string[] {
  try {
    const tags: unknown = JSON.parse(String(value));
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
  } catch {
    return [];
  }
}

/** The days for which events are kept. */
export const eventDays = 7;
/** The days for which the newest event of a service is kept. */
export const newestEventDays = 35;

/** The newest event of a service of a host, or of an instance of it. */
export const newestEvent = recordShape({
  host: text,
  service: text,
  instance: text,
  status: (value) => statusOrNull(value) ?? 'UNKNOWN',
  description: text,
  receivedAtMs: time,
  ttl: numberOrNull,
});
export type NewestEvent = RecordOf<typeof newestEvent>;

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
