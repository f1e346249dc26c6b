import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { makeFolder } from '../../../state-folder/durable-file.ts';
import {
  isSqliteBusy,
  openSqlite,
  rowReader,
  type SqliteDatabase,
  type SqliteStatement,
} from '../../../platform/sqlite.ts';
import {
  isReadOnlyUse,
  type Database,
  type DatabaseUse,
  type FileSpace,
  type Session,
  type SqlRow,
} from '../../sql/database.ts';
import { StorageFault } from '../../sql/fault.ts';
import { Serial } from '../../sql/serial.ts';
import { storableValues } from '../../sql/storable-values.ts';
import { placeNotes } from './check-place.ts';
import { sqliteDialect } from './dialect.ts';
import { lockAdvice, sqliteFault } from './faults.ts';

export interface SqliteDatabaseOptions {
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
  /** Default: `change`. */
  readonly program?: DatabaseUse;
  /** The timeout for another process's lock. */
  readonly lockTimeoutMs?: number;
}

/** The most bytes of a statement's values. SQLite accepts any size; the limit bounds the collector's memory. */
const maxBatchBytes = 16 * 1024 * 1024;

/** The pages that one transaction gives back. */
const reclaimedPages = 512;

/** Opens the file, or creates it with mode 0600. Every commit survives a power loss. Throws StorageFault. */
export async function openSqliteDatabase(options: SqliteDatabaseOptions): Promise<Database> {
  const file = options.path;
  let handle: SqliteDatabase;
  try {
    const dir = path.dirname(file);
    if (!existsSync(dir)) makeFolder(dir);
    handle = openSqlite(file);
  } catch (thrown) {
    throw sqliteFault(thrown, file);
  }
  const database = new SqliteFile(handle, options);
  try {
    await database.prepareFile();
    return database;
  } catch (thrown) {
    handle.close();
    throw sqliteFault(thrown, file);
  }
}

interface Prepared {
  readonly statement: SqliteStatement;
  readonly rows: ReturnType<typeof rowReader>;
}

class SqliteFile implements Database {
  readonly #handle: SqliteDatabase;
  readonly #path: string;
  readonly #signal: AbortSignal | undefined;
  readonly #lockTimeoutMs: number;
  readonly #program: DatabaseUse;
  readonly #serial = new Serial();
  readonly #statements = new Map<string, Prepared>();
  #closed = false;

  constructor(handle: SqliteDatabase, options: SqliteDatabaseOptions) {
    this.#handle = handle;
    this.#path = options.path;
    this.#signal = options.signal;
    this.#lockTimeoutMs = options.lockTimeoutMs ?? 30_000;
    this.#program = options.program ?? 'change';
  }

  async prepareFile(): Promise<void> {
    // Each of these statements may read the file first, while another process that closes the file holds its lock.
    await this.#setWhenFree(`cache_size = ${this.#program === 'look' ? -2000 : -16_000}`);
    if (isReadOnlyUse(this.#program)) {
      await this.#setWhenFree('query_only = 1');
      return;
    }
    // A file that has pages keeps its settings, and another PRAGMA would wait for a writer.
    const size = await this.#whenFree(() => this.#handle.prepare('PRAGMA page_count').get());
    if (size?.['page_count'] === 0) await this.#setWhenFree('auto_vacuum = INCREMENTAL');
    const mode = await this.#whenFree(() => this.#handle.prepare('PRAGMA journal_mode = WAL').get());
    if (mode?.['journal_mode'] !== 'wal') {
      const advice = 'its file system cannot share memory between processes; put it on a local disk';
      throw new StorageFault('broken', `${this.#path}: no write-ahead log here (${advice})`);
    }
    await this.#setWhenFree('synchronous = FULL');
    await this.#setWhenFree('journal_size_limit = 67108864');
    // The number of pages, 16 MB. With the usual 1,000, nearly every batch of reports copies the log and waits for the
    // disk twice more.
    await this.#setWhenFree('wal_autocheckpoint = 4000');
  }

  read<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#exclusively(() => work(this.#session));
  }

  write<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#exclusively(() => this.#transaction(work));
  }

  migrate<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.write(work);
  }

  readOnly(sql: string): Promise<readonly SqlRow[]> {
    return this.#exclusively(async () => {
      await this.#setWhenFree('query_only = 1');
      try {
        return await this.#whenFree(() => this.#handle.prepare(sql).all() as unknown as readonly SqlRow[]);
      } finally {
        if (!isReadOnlyUse(this.#program)) await this.#setWhenFree('query_only = 0');
      }
    });
  }

  describe(): Promise<string> {
    return Promise.resolve(`the file ${this.#path}`);
  }

  notes(): Promise<readonly string[]> {
    return Promise.resolve(placeNotes(this.#path));
  }

  space(): Promise<FileSpace> {
    return this.#exclusively(async () => {
      const pageBytes = await this.#setting('page_size');
      return {
        sizeBytes: (await this.#setting('page_count')) * pageBytes,
        freeBytes: (await this.#setting('freelist_count')) * pageBytes,
        // https://sqlite.org/pragma.html#pragma_auto_vacuum: 2 is incremental.
        shrinks: (await this.#setting('auto_vacuum')) === 2,
      };
    });
  }

  async reclaim(): Promise<void> {
    await this.write((session) => session.all(`PRAGMA incremental_vacuum(${reclaimedPages})`));
  }

  close(): Promise<void> {
    return this.#serial.run(() => {
      if (this.#closed) return Promise.resolve();
      this.#closed = true;
      this.#statements.clear();
      this.#emptyLog();
      this.#handle.close();
      return Promise.resolve();
    });
  }

  // The package keeps the file open until its statements are collected as garbage, so close alone would leave the
  // newest rows in the log beside it, and a copy of the database file alone would lack them.
  #emptyLog(): void {
    try {
      this.#handle.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // Another process is using the file, or its disk is full. Readers read the log too.
    }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      if (this.#closed) throw new StorageFault('lost', `${this.#path} is closed`);
      return work();
    });
  }

  async #transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    // An upgraded read transaction fails at once if another process has written meanwhile; BEGIN IMMEDIATE cannot.
    await this.#whenFree(() => this.#handle.exec('BEGIN IMMEDIATE'));
    try {
      const result = await work(this.#session);
      await this.#whenFree(() => this.#handle.exec('COMMIT'));
      return result;
    } catch (thrown) {
      this.#rollback();
      throw thrown;
    }
  }

  #rollback(): void {
    try {
      this.#handle.exec('ROLLBACK');
    } catch {
      // SQLite has undone the transaction by itself, for example because the disk is full.
    }
  }

  readonly #session: Session = {
    dialect: sqliteDialect,
    maxBatchBytes,
    run: async (sql, values = []) =>
      this.#whenFree(() => Number(this.#prepared(sql).statement.run(...storableValues(values)).changes)),
    all: async (sql, values = []) =>
      this.#whenFree(() => this.#prepared(sql).rows(...storableValues(values)) as unknown as readonly SqlRow[]),
  };

  #prepared(sql: string): Prepared {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#handle.prepare(sql);
    const prepared = { statement, rows: rowReader(statement) };
    this.#statements.set(sql, prepared);
    return prepared;
  }

  async #setting(name: string): Promise<number> {
    const [row] = await this.#session.all(`PRAGMA ${name}`);
    return Number(row?.[name]);
  }

  #setWhenFree(setting: string): Promise<void> {
    return this.#whenFree(() => this.#handle.exec(`PRAGMA ${setting}`));
  }

  // busy_timeout would block the event loop, and with it every visit, for as long as another process holds the lock.
  async #whenFree<T>(work: () => T): Promise<T> {
    const startedAt = performance.now();
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
      try {
        return work();
      } catch (thrown) {
        const fault = sqliteFault(thrown, this.#path);
        if (!isSqliteBusy(thrown)) throw fault;
        if (performance.now() - startedAt > this.#lockTimeoutMs) {
          const seconds = Math.round(this.#lockTimeoutMs / 1000);
          throw new StorageFault(
            'lost',
            `${this.#path} was locked by another process for ${seconds} s`,
            thrown,
            lockAdvice,
          );
        }
      }
      await this.#pause(pauseMs);
    }
  }

  async #pause(pauseMs: number): Promise<void> {
    try {
      await sleep(
        pauseMs * (0.5 + Math.random()),
        undefined,
        this.#signal === undefined ? {} : { signal: this.#signal },
      );
    } catch (thrown) {
      throw new StorageFault('aborted', `waiting for ${this.#path} was ended`, thrown);
    }
  }
}
