import { setTimeout as sleep } from 'node:timers/promises';

import type { ServedCommand } from '../../../config/config.ts';
import { messageOf } from '../../../platform/errors/errors.ts';
import { minuteMs, secondMs } from '../../../platform/units.ts';
import { runCommand } from '../../../platform/run-command.ts';
import type { StoredEvent } from '../../../storage/store/event-store.ts';
import { shortened } from '../../../text/shortened.ts';
import { oneLine } from '../../../text/plain-text.ts';

/** EX_TEMPFAIL of sysexits(3): the event is retried. */
const tempFail = 75;
/** The most events of one read. */
const maxRead = 100;
/** The interval of reads for events of another process, and for events that waited for the database. */
const lookMs = 10 * secondMs;
const shortestPauseMs = 5 * secondMs;
const longestPauseMs = 5 * minuteMs;
/** The time that the running command has when the server ends. */
const drainMs = 3 * secondMs;
const maxWords = 300;

export interface EventCommandOptions extends ServedCommand {
  /** Returns the oldest unprocessed events. */
  readonly read: (most: number) => Promise<readonly StoredEvent[]>;
  /** Marks an event as processed. */
  readonly mark: (rowId: number) => Promise<void>;
  /** Called for an event that the command refuses permanently, and once when the command stops accepting events. */
  readonly onFault: (thrown: unknown) => void;
}

/**
 * Passes each stored event to a program, one by one in their order, as JSON on stdin. Exit status 0 accepts the event.
 * 75 or the deadline means a later retry, and the events behind it wait. Any other status is a permanent refusal. An
 * event is marked after the program has ended, so an event that was accepted just before a kill is passed again.
 */
export class EventCommand {
  readonly #options: EventCommandOptions;
  readonly #ended = new AbortController();
  readonly #killed = new AbortController();
  /** The rows of events whose program has ended, but which could not be marked yet. */
  readonly #unmarked = new Set<number>();
  /** Ends the wait between two reads. */
  #wait = new AbortController();
  #isWoken = false;
  /** The pause after a program that accepts no events; 0 if it accepts them. */
  #pauseMs = 0;
  readonly #running: Promise<void>;

  constructor(options: EventCommandOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Reads events at once. */
  wake(): void {
    this.#isWoken = true;
    if (this.#pauseMs === 0) this.#wait.abort();
  }

  /** Starts no more programs. Resolves when the running one has ended. */
  async close(): Promise<void> {
    this.#ended.abort();
    this.#wait.abort();
    const timer = setTimeout(() => this.#killed.abort(), drainMs);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      let isMore = false;
      this.#isWoken = false;
      try {
        isMore = await this.#handOver();
      } catch {
        // The database is away, which other parts report. The events can be read when it is back.
      }
      if (!isMore) await this.#rest();
    }
  }

  /** Waits for the next read. `close` ends the wait. So does `wake`, unless the program accepts no events. */
  async #rest(): Promise<void> {
    const isPaused = this.#pauseMs > 0;
    if (this.#ended.signal.aborted || (this.#isWoken && !isPaused)) return;
    this.#wait = new AbortController();
    const { signal } = this.#wait;
    await sleep(isPaused ? this.#pauseMs : lookMs, undefined, { signal }).catch(() => undefined);
  }

  /** Returns true if there may be more events now. */
  async #handOver(): Promise<boolean> {
    const { read, onFault, command } = this.#options;
    await this.#markEnded();
    const events = await read(maxRead);
    for (const event of events) {
      if (this.#ended.signal.aborted) return false;
      const { fault, isLater } = await this.#give(event);
      if (isLater) {
        if (this.#pauseMs === 0) onFault(new Error(`<events command> ${command} takes no events now: ${fault ?? ''}`));
        this.#pauseMs = Math.min(longestPauseMs, Math.max(shortestPauseMs, this.#pauseMs * 2));
        return false;
      }
      this.#pauseMs = 0;
      if (fault !== null) onFault(new Error(`<events command> ${command} refused event ${event.eventId}: ${fault}`));
      this.#unmarked.add(event.rowId);
      await this.#markEnded();
    }
    return events.length === maxRead;
  }

  /** Marks the events whose program has ended. No event is passed before these are marked. */
  async #markEnded(): Promise<void> {
    for (const rowId of this.#unmarked) {
      await this.#options.mark(rowId);
      this.#unmarked.delete(rowId);
    }
  }

  async #give(event: StoredEvent): Promise<{ readonly fault: string | null; readonly isLater: boolean }> {
    const { command, timeoutMs } = this.#options;
    let input: string;
    try {
      input = `${JSON.stringify(documentOf(event))}\n`;
    } catch (thrown) {
      // It can never be passed, and the events behind it do not wait for it.
      return { fault: `it cannot be written as JSON: ${messageOf(thrown)}`, isLater: false };
    }
    try {
      const { signal } = this.#killed;
      const { status, stderr, isLate } = await runCommand({ command, input, timeoutMs, signal, maxOutput: 4096 });
      if (status === 0) return { fault: null, isLater: false };
      if (isLate) return { fault: `it did not end within ${timeoutMs / secondMs} s`, isLater: true };
      const words = shortened(oneLine(stderr), maxWords);
      const fault = `exit status ${status ?? 'of a signal'}${words === '' ? '' : `: ${words}`}`;
      return { fault, isLater: status === tempFail || status === null };
    } catch (thrown) {
      return { fault: messageOf(thrown), isLater: true };
    }
  }
}

/** Returns an event in the form that the program reads; JSON of another form as `raw`. */
function documentOf({ eventId, receivedAtMs, raw, ...event }: StoredEvent): object {
  const head = { id: eventId, received_at: new Date(receivedAtMs).toISOString() };
  if (raw !== null) return { ...head, raw: JSON.parse(raw) as unknown };
  const { host, service, instance, status, description, tags, value, ttl } = event;
  return { ...head, host, service, instance, status, description, tags, value, ttl };
}
