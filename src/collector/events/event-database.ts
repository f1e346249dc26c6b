/** src/collector/events: received events: parsed, and durable before they are acknowledged. */
import type { StorageConfig } from '../../config/config.ts';
import { KeptStorage } from '../../storage/kept-storage.ts';
import { openStorage } from '../../storage/open-storage.ts';
import type { EventStore, NewEvent } from '../../storage/store/event-store.ts';

/** The session that stores events. It is opened, and the database migrated, when there is something to store. */
export class EventDatabase {
  readonly #kept: KeptStorage;

  constructor(config: () => StorageConfig) {
    this.#kept = new KeptStorage({
      config,
      open: (storage, signal) => openStorage({ storage, migrate: storage.migrate, program: 'collect', signal }),
    });
  }

  /** Stores events. Throws FleetError of stage `storage`. */
  async store(events: readonly NewEvent[]): Promise<void> {
    await this.with((store) => store.saveEvents(events));
  }

  /** Calls `work` with the stored events. Throws FleetError of stage `storage`. */
  with<T>(work: (store: EventStore) => Promise<T>): Promise<T> {
    return this.#kept.with(({ events }) => work(events));
  }

  /** Ends work under way and closes the session. */
  close(): Promise<void> {
    return this.#kept.close();
  }
}
