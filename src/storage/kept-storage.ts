import { statSync } from 'node:fs';

import type { StorageConfig } from '../config/databases/kinds.ts';
import { isFaultOfValues } from './sql/fault.ts';
import type { Storage } from './store/storage.ts';

export interface KeptStorageOptions {
  /** Returns the configuration as it is now. */
  readonly config: () => StorageConfig;
  /** Opens a session. The signal ends it at once. */
  readonly open: (storage: StorageConfig, signal: AbortSignal) => Promise<Storage>;
}

/** A session with the database that is opened when it is needed, and again after `drop`. */
export class KeptStorage {
  readonly #options: KeptStorageOptions;
  readonly #ended = new AbortController();
  #storage: Promise<Storage> | null = null;
  /** The file of the session; null until it is open. */
  #file: string | null = null;

  constructor(options: KeptStorageOptions) {
    this.#options = options;
  }

  /** Returns the session. Throws the faults of opening it, and the reason of an abort after `close`. */
  async opened(): Promise<Storage> {
    const { config: configOf, open } = this.#options;
    const { signal } = this.#ended;
    signal.throwIfAborted();
    const config = configOf();
    // A restored database is another file with the same name.
    if (this.#file !== null && this.#file !== fileOf(config)) this.drop();
    if (this.#storage !== null) return await this.#storage;
    const opening = open(config, signal);
    this.#storage = opening;
    try {
      const storage = await opening;
      if (this.#storage === opening) this.#file = fileOf(config);
      return storage;
    } catch (thrown) {
      if (this.#storage === opening) this.drop();
      throw thrown;
    }
  }

  /** Calls `work` with the session. Closes the session after a fault other than one of values. */
  async with<T>(work: (storage: Storage) => Promise<T>): Promise<T> {
    const storage = await this.opened();
    try {
      return await work(storage);
    } catch (thrown) {
      if (!isFaultOfValues(thrown)) this.drop();
      throw thrown;
    }
  }

  /** Closes the session. The next one is opened when it is needed. */
  drop(): void {
    void this.#closed();
  }

  /** Ends work under way and closes the session. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#closed();
  }

  async #closed(): Promise<void> {
    const storage = this.#storage;
    [this.#storage, this.#file] = [null, null];
    await storage?.then((open) => open.close()).catch(() => undefined);
  }
}

/** Returns a name for the file of an embedded database; '' for a server, and for a file that is missing. */
function fileOf({ path }: StorageConfig): string {
  return path === null ? '' : String(statSync(path, { throwIfNoEntry: false })?.ino ?? '');
}
