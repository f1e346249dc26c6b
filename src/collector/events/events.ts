/**
 * Events that others send. An accepted event is a file of the inbox before it is acknowledged, and soon after a row.
 * Events that arrive while a file is written share the next one.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

import type { NewEvent } from '../../storage/store/event-store.ts';

/** Events that are not stored within this time wait for the database. */
const storeTimeoutMs = 800;
/** The pause between two attempts to store the waiting events. */
const retryMs = 500;
/** The time for storing what waits when the server ends. */
const closeMs = 2_000;
const maxPendingBytes = 8 * 1024 * 1024;
/** The most events of one file. */
const maxEvents = 2_000;

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
  /** Called once when events cannot be stored and wait. */
  readonly onFault: (thrown: unknown) => void;
  /** Called when events became rows. */
  readonly onStored: () => void;
  /** Called when no events wait any more after such a fault. */
  readonly onTakenUp: () => void;
}

interface Accepted {
  readonly events: readonly NewEvent[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Makes accepted events durable, and then stores them in their order. */
export class EventIntake {
  readonly #options: EventIntakeOptions;
  readonly #ended = new AbortController();
  readonly #pending: Accepted[] = [];
  #bytes = 0;
  /** The number of events of the file that is being written. */
  #inFlight = 0;
  #isAway = false;
  /** Ends the pause before the next attempt to store. */
  #pause = new AbortController();
  #saving: Promise<void> | null = null;
  readonly #storing: Promise<void>;

  constructor(options: EventIntakeOptions) {
    this.#options = options;
    this.#storing = this.#storeWaiting();
  }

  /** The number of accepted events that are not rows yet. */
  get queued(): number {
    const pending = this.#pending.reduce((sum, { events }) => sum + events.length, 0);
    return this.#options.waiting.size + this.#inFlight + pending;
  }

  /** Accepts events. Resolves when they survive a loss of power. Throws EventsFull and write errors. */
  accept(events: readonly NewEvent[], bytes: number): Promise<void> {
    if (this.#bytes + bytes > maxPendingBytes || this.#ended.signal.aborted) {
      return Promise.reject(new EventsFull('too many events wait'));
    }
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      this.#pending.push({ events, bytes, resolve, reject });
      this.#saving ??= this.#save().finally(() => (this.#saving = null));
    });
  }

  /** Accepts no more events, makes the accepted ones durable, and stores them if the database answers at once. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#saving;
    this.#pause.abort();
    await Promise.race([this.#storing, sleep(closeMs, undefined, { ref: false })]);
    await this.#options.close();
    await this.#storing;
  }

  async #save(): Promise<void> {
    while (this.#pending.length > 0) {
      // Requests that have arrived meanwhile are read, and share the file.
      await nextTurn();
      const batch = this.#nextBatch();
      const events = batch.flatMap((one) => one.events);
      this.#inFlight = events.length;
      try {
        await this.#options.waiting.write(events);
        for (const { resolve } of batch) resolve();
        if (!this.#isAway) this.#pause.abort();
      } catch (thrown) {
        for (const { reject } of batch) reject(thrown);
      }
      this.#inFlight = 0;
    }
  }

  #nextBatch(): readonly Accepted[] {
    let events = 0;
    const end = this.#pending.findIndex((one) => (events += one.events.length) > maxEvents);
    const batch = this.#pending.splice(0, end === -1 ? this.#pending.length : Math.max(1, end));
    for (const { bytes } of batch) this.#bytes -= bytes;
    return batch;
  }

  /** Stores the events that wait, until the intake is closed. */
  async #storeWaiting(): Promise<void> {
    for (;;) {
      const isLast = this.#ended.signal.aborted;
      this.#pause = new AbortController();
      const late = setTimeout(() => this.#away(new Error('the database does not answer')), storeTimeoutMs);
      try {
        await this.#storeOnce();
      } catch (thrown) {
        this.#away(thrown);
      } finally {
        clearTimeout(late);
      }
      if (isLast) return;
      await sleep(retryMs, undefined, { signal: this.#pause.signal }).catch(() => undefined);
    }
  }

  #away(thrown: unknown): void {
    if (!this.#isAway && !this.#ended.signal.aborted) this.#options.onFault(thrown);
    this.#isAway = true;
  }

  async #storeOnce(): Promise<void> {
    const { waiting, store, onStored, onTakenUp } = this.#options;
    if (waiting.size > 0) {
      await waiting.takeUp(store);
      onStored();
    }
    if (waiting.size > 0 || !this.#isAway) return;
    this.#isAway = false;
    onTakenUp();
  }
}
