import type { Config } from '../../config/config.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { type FleetSnapshot, readSnapshot } from '../data/live-fleet.ts';
import { checkMigrations } from '../../storage/migrate/migrate.ts';
import { KeptStorage } from '../../storage/kept-storage.ts';
import { openStorage } from '../../storage/open-storage.ts';
import type { Storage } from '../../storage/store/storage.ts';

/** The time for which a snapshot is used, unless a run finishes earlier. */
const snapshotMs = 10_000;
/** The pause after a fault of the database. */
const pauseMs = 2_000;

interface FleetReaderOptions {
  readonly settings: () => Config;
  readonly onAway: (fault: FleetError) => void;
  readonly onBack: (awayMs: number) => void;
}

/** Thrown before the first run, when the database holds nothing. */
export class NothingStored extends FleetError {
  constructor() {
    const advice = '`fleet-health collect` makes the first run.';
    super({ code: 'storage-unavailable', stage: 'storage', message: 'nothing is stored yet', advice });
  }
}

/** True if the database does not answer, or not in time. */
export function isAway(thrown: unknown): thrown is FleetError {
  return thrown instanceof FleetError && thrown.stage === 'storage' && !(thrown instanceof NothingStored);
}

/** The only session with the database, which is read-only, and the newest snapshot of the fleet. */
export class FleetReader {
  readonly #options: FleetReaderOptions;
  readonly #kept: KeptStorage;
  #snapshot: { readonly atMs: number; readonly read: Promise<FleetSnapshot> } | null = null;
  #away: { readonly sinceMs: number; readonly fault: FleetError; readonly untilMs: number } | null = null;

  constructor(options: FleetReaderOptions) {
    this.#options = options;
    this.#kept = new KeptStorage({
      config: () => options.settings().storage,
      open: async (storage, signal) => {
        const { applied } = await checkMigrations({ storage, signal });
        if (applied.length === 0) throw new NothingStored();
        return await openStorage({ storage, migrate: false, program: 'look', signal });
      },
    });
  }

  /** The time since which the database is away, in milliseconds since 1970; null if it answers. */
  get awaySinceMs(): number | null {
    return this.#away?.sinceMs ?? null;
  }

  /** True if config.xml has clients, which the collector visits. */
  get hasClients(): boolean {
    return this.#options.settings().clients.length > 0;
  }

  /** Runs work that reads from the database. Throws FleetError of stage `storage`, and NothingStored. */
  async read<Result>(work: (storage: Storage, config: Config) => Promise<Result>): Promise<Result> {
    if (this.#away !== null && performance.now() < this.#away.untilMs) throw this.#away.fault;
    try {
      const result = await work(await this.#kept.opened(), this.#options.settings());
      if (this.#away !== null) this.#options.onBack(Date.now() - this.#away.sinceMs);
      this.#away = null;
      return result;
    } catch (thrown) {
      if (isAway(thrown)) this.#leave(thrown);
      throw thrown;
    }
  }

  /** Returns a snapshot of the fleet that is at most ten seconds old. Simultaneous requests share one read. */
  snapshot(): Promise<FleetSnapshot> {
    const now = performance.now();
    if (this.#snapshot !== null && now - this.#snapshot.atMs < snapshotMs) return this.#snapshot.read;
    const read = this.read((storage, config) => readSnapshot(config, storage));
    const taken = { atMs: now, read };
    this.#snapshot = taken;
    read.catch(() => {
      if (this.#snapshot === taken) this.#snapshot = null;
    });
    return read;
  }

  /** Drops the snapshot, so that the next one is read anew. */
  forget(): void {
    this.#snapshot = null;
  }

  close(): Promise<void> {
    return this.#kept.close();
  }

  #leave(fault: FleetError): void {
    if (this.#away === null) this.#options.onAway(fault);
    this.#away = { sinceMs: this.#away?.sinceMs ?? Date.now(), fault, untilMs: performance.now() + pauseMs };
    this.#snapshot = null;
    this.#kept.drop();
  }
}
