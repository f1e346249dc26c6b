import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import type { RunFact } from '../../storage/store/run.ts';
import { type FleetReader, NothingStored } from './fleet-reader.ts';

const pollMs = 2_000;
const newestRuns = 12;

/** A run that has finished. */
export interface EndedRun {
  readonly program: string;
  readonly finishedAtMs: number;
}

/** The source of runs. `forget` drops what was read before a run finished. */
export type RunSource = Pick<FleetReader, 'read' | 'forget'>;

/** Notifies its listeners of finished runs. Reads the database only while there are listeners. */
export class LiveEvents {
  readonly #reader: RunSource;
  readonly #listeners = new Set<(run: EndedRun) => void>();
  readonly #ended = new AbortController();
  #known: ReadonlySet<string> | null = null;
  #isPolling = false;

  constructor(reader: RunSource) {
    this.#reader = reader;
    // Each stream adds a listener to the signal.
    setMaxListeners(0, this.#ended.signal);
  }

  /** Aborted when the server ends. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Calls the listener for each run that finishes from now on. Returns a function that removes it. */
  listen(listener: (run: EndedRun) => void): () => void {
    this.#listeners.add(listener);
    if (!this.#isPolling) void this.#poll();
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#ended.abort();
    this.#listeners.clear();
  }

  async #poll(): Promise<void> {
    this.#isPolling = true;
    this.#known = null;
    while (this.#listeners.size > 0 && !this.#ended.signal.aborted) {
      try {
        this.#compare(await this.#reader.read(({ records }) => records.newestRuns(newestRuns)));
      } catch (thrown) {
        // A database that is away is shown by the pages. One that does not exist yet has no runs.
        if (thrown instanceof NothingStored) this.#known ??= new Set();
      }
      await sleep(pollMs, undefined, { signal: this.#ended.signal, ref: false }).catch(() => undefined);
    }
    this.#isPolling = false;
  }

  #compare(runs: readonly RunFact[]): void {
    const finished = runs.filter(({ finishedAtMs }) => finishedAtMs !== null);
    const fresh = this.#known === null ? [] : finished.filter(({ id }) => this.#known?.has(id) === false);
    this.#known = new Set(finished.map(({ id }) => id));
    if (fresh.length === 0) return;
    this.#reader.forget();
    for (const { program, finishedAtMs } of fresh) {
      for (const listener of this.#listeners) listener({ program, finishedAtMs: finishedAtMs ?? 0 });
    }
  }
}
