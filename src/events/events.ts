/**
 * Events that others send. An accepted event is on disk before it is acknowledged: as a row or, while the database is
 * unreachable, in a document of the inbox. Events that arrive during a commit share the next one.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import { withDeadline } from '../platform/deadline.ts';
import { storeEach } from '../storage/sql/store-each.ts';
import type { NewEvent } from '../storage/store/event-store.ts';

/** A database that has not stored events within this time counts as unreachable. */
const storeTimeoutMs = 800;
/** The pause between two attempts to store the waiting events. */
const retryMs = 500;
const mostPendingBytes = 8 * 1024 * 1024;
/** The most events of one transaction. */
const mostEvents = 2_000;

/** Thrown if no more events are accepted now. */
export class EventsFull extends Error {}

/** The events on disk that are not rows yet, oldest first. */
export interface WaitingEvents {
  /** The number of events. */
  readonly size: number;
  /** Writes events. Resolves when they would survive a loss of power. */
  write(events: readonly NewEvent[]): Promise<void>;
  /** Stores the events in their order, and removes them. Throws the errors of `store`; the events stay then. */
  takeUp(store: (events: readonly NewEvent[]) => Promise<void>): Promise<void>;
}

export interface EventIntakeOptions {
  readonly waiting: WaitingEvents;
  /** Stores events as rows. Opens the database if it has to. */
  readonly store: (events: readonly NewEvent[]) => Promise<void>;
  /** Ends the work of `store` that is under way. */
  readonly close: () => Promise<void>;
  /** Called once when events begin to wait on disk, and for events that the database refuses. */
  readonly onFault: (thrown: unknown) => void;
  /** Called when no events wait any more. */
  readonly onTakenUp: () => void;
}

interface Accepted {
  readonly events: readonly NewEvent[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Makes accepted events durable, in their order. */
export class EventIntake {
  readonly #options: EventIntakeOptions;
  readonly #waiting: WaitingEvents;
  readonly #ended = new AbortController();
  readonly #pending: Accepted[] = [];
  #bytes = 0;
  /** The number of events of the batch that is being made durable. */
  #inFlight = 0;
  #isAway = false;
  #storing: Promise<void> | null = null;
  #saving: Promise<void> | null = null;
  readonly #takingUp: Promise<void>;

  constructor(options: EventIntakeOptions) {
    this.#options = options;
    this.#waiting = options.waiting;
    this.#takingUp = this.#takeUp();
  }

  /** The number of accepted events that are not rows yet. */
  get queued(): number {
    return this.#waiting.size + this.#inFlight + this.#pending.reduce((sum, { events }) => sum + events.length, 0);
  }

  /** Accepts events. Resolves when they are rows, or survive a loss of power. Throws EventsFull and write errors. */
  accept(events: readonly NewEvent[], bytes: number): Promise<void> {
    if (this.#bytes + bytes > mostPendingBytes || this.#ended.signal.aborted) {
      return Promise.reject(new EventsFull('too many events wait'));
    }
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      this.#pending.push({ events, bytes, resolve, reject });
      this.#saving ??= this.#save().finally(() => (this.#saving = null));
    });
  }

  /** Accepts no more events, and makes the accepted ones durable. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#saving;
    await this.#options.close();
    await this.#takingUp;
  }

  async #save(): Promise<void> {
    while (this.#pending.length > 0) {
      // Requests that have arrived meanwhile are read, and share the commit.
      await nextTurn();
      const batch = this.#nextBatch();
      const events = batch.flatMap((one) => one.events);
      this.#inFlight = events.length;
      try {
        await this.#keep(events);
        for (const { resolve } of batch) resolve();
      } catch (thrown) {
        for (const { reject } of batch) reject(thrown);
      }
      this.#inFlight = 0;
    }
  }

  #nextBatch(): readonly Accepted[] {
    let events = 0;
    const end = this.#pending.findIndex((one) => (events += one.events.length) > mostEvents);
    const batch = this.#pending.splice(0, end === -1 ? this.#pending.length : Math.max(1, end));
    for (const { bytes } of batch) this.#bytes -= bytes;
    return batch;
  }

  /** Stores events as rows, or writes them behind the events that wait on disk. */
  async #keep(events: readonly NewEvent[]): Promise<void> {
    if (this.#waiting.size === 0 && this.#storing === null) {
      const storing = this.#storeEach(events).finally(() => (this.#storing = null));
      this.#storing = storing;
      // A transaction that ends later stores the same events as the documents on disk: an id is stored once.
      storing.catch(() => undefined);
      try {
        await withDeadline({ timeoutMs: storeTimeoutMs }, () => storing);
        return;
      } catch (thrown) {
        this.#away(thrown);
      }
    }
    await this.#waiting.write(events);
  }

  /** Stores the waiting events until the intake is closed. */
  async #takeUp(): Promise<void> {
    const { signal } = this.#ended;
    while (!this.#isEnded()) {
      try {
        await this.#storeWaiting();
      } catch (thrown) {
        if (!this.#isEnded()) this.#away(thrown);
      }
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #storeWaiting(): Promise<void> {
    if (this.#waiting.size > 0) await this.#waiting.takeUp((events) => this.#options.store(events));
    if (this.#waiting.size > 0 || !this.#isAway) return;
    this.#isAway = false;
    this.#options.onTakenUp();
  }

  #isEnded(): boolean {
    return this.#ended.signal.aborted;
  }

  #away(thrown: unknown): void {
    if (!this.#isAway) this.#options.onFault(thrown);
    this.#isAway = true;
  }

  /** Stores events. Reports and omits single events that cannot be stored. */
  async #storeEach(events: readonly NewEvent[]): Promise<void> {
    const unstorable = await storeEach(events, (some) => this.#options.store(some), mostEvents);
    for (const { record, reason } of unstorable) {
      this.#options.onFault(new Error(`event ${record.eventId} cannot be stored: ${reason}`));
    }
  }
}
