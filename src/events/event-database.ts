import { statSync } from 'node:fs';

import type { StorageConfig } from '../config/config.ts';
import { isFaultOfValues } from '../storage/sql/fault.ts';
import { openStorage } from '../storage/open-storage.ts';
import type { EventStore, NewEvent } from '../storage/store/event-store.ts';
import type { Storage } from '../storage/store/storage.ts';

/** The session that stores events. It is opened, and the database migrated, when there is something to store. */
export class EventDatabase {
  readonly #storageConfig: () => StorageConfig;
  readonly #ended = new AbortController();
  #storage: Promise<Storage> | null = null;
  #file = '';

  constructor(storageConfig: () => StorageConfig) {
    this.#storageConfig = storageConfig;
  }

  /** Stores events. Throws FleetError of stage `storage`. */
  async store(events: readonly NewEvent[]): Promise<void> {
    await this.with((store) => store.saveEvents(events));
  }

  /** Calls `work` with the stored events. Throws FleetError of stage `storage`. */
  async with<T>(work: (store: EventStore) => Promise<T>): Promise<T> {
    this.#ended.signal.throwIfAborted();
    const storage = await this.#opened();
    try {
      return await work(storage.events);
    } catch (thrown) {
      if (!isFaultOfValues(thrown)) this.#drop();
      throw thrown;
    }
  }

  /** Ends work under way and closes the session. */
  async close(): Promise<void> {
    this.#ended.abort();
    const storage = this.#storage;
    this.#storage = null;
    await storage?.then((open) => open.close()).catch(() => undefined);
  }

  #opened(): Promise<Storage> {
    const storage = this.#storageConfig();
    // A database that was restored is another file under the same name.
    if (this.#storage !== null && this.#file !== fileOf(storage)) this.#drop();
    if (this.#storage !== null) return this.#storage;
    const opening = openStorage({
      storage,
      migrate: storage.migrate,
      program: 'collect',
      signal: this.#ended.signal,
    })
      .then((open) => {
        this.#file = fileOf(storage);
        return open;
      })
      .catch((thrown: unknown) => {
        this.#storage = null;
        throw thrown;
      });
    this.#storage = opening;
    return opening;
  }

  #drop(): void {
    const storage = this.#storage;
    this.#storage = null;
    storage?.then((open) => open.close()).catch(() => undefined);
  }
}

/** Returns a name for the file of an embedded database; '' for a server, and for a file that is missing. */
function fileOf({ path }: StorageConfig): string {
  return path === null ? '' : String(statSync(path, { throwIfNoEntry: false })?.ino ?? '');
}
