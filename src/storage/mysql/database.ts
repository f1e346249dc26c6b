import { createConnection } from 'mysql2/promise';
import type { Connection, ConnectionOptions, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

import type { StorageConfig } from '../../config/config.ts';
import type { Database, Session, SqlRow, SqlValue } from '../database.ts';
import { withDeadline } from '../deadline.ts';
import { StorageFault } from '../fault.ts';
import type { FaultKind } from '../fault.ts';
import { Serial } from '../serial.ts';
import { tlsOptions } from '../tls-options.ts';
import { mysqlDialect } from './dialect.ts';
import { mysqlFault } from './faults.ts';

export interface MysqlDatabaseOptions {
  readonly storage: StorageConfig;
  /** The alerter's sessions end soon when it is suspended, so that another one can take over. */
  readonly program: 'collect' | 'alert' | 'read';
  readonly signal?: AbortSignal | undefined;
  readonly connectTimeoutMs?: number;
  /** How long the server may be silent after a statement. */
  readonly statementTimeoutMs?: number;
}

const sessionSql = [
  'SET NAMES utf8mb4 COLLATE utf8mb4_bin',
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  `SET SESSION time_zone = '+00:00', autocommit = 1, sql_mode =
     'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'`,
] as const;
const lockWaitSql = {
  collect: 'SET SESSION innodb_lock_wait_timeout = 20',
  read: 'SET SESSION innodb_lock_wait_timeout = 20',
  alert: 'SET SESSION innodb_lock_wait_timeout = 40, wait_timeout = 30',
} as const;

/** A transaction is made so often before its deadlocks are a fault. */
const maxAttempts = 3;
/** DDL on a table with many rows takes its time. */
const migrationTimeoutMs = 3_600_000;

/** Connects, so that a wrong address or password is known at once. Throws StorageFault. */
export async function openMysqlDatabase(options: MysqlDatabaseOptions): Promise<Database> {
  const database = new MysqlServer(options);
  await database.maxBatchBytes();
  return database;
}

class MysqlServer implements Database {
  readonly dialect = mysqlDialect;
  readonly #options: MysqlDatabaseOptions;
  readonly #where: string;
  readonly #statementTimeoutMs: number;
  readonly #serial = new Serial();
  #connection: Connection | null = null;
  #maxBatchBytes = 0;
  #closed = false;

  constructor(options: MysqlDatabaseOptions) {
    this.#options = options;
    this.#statementTimeoutMs = options.statementTimeoutMs ?? 60_000;
    const { user, host, port, database, socketPath } = options.storage;
    this.#where = `mysql://${user ?? ''}@${socketPath ?? `${host ?? ''}:${port ?? 3306}`}/${database ?? ''}`;
  }

  async maxBatchBytes(): Promise<number> {
    await this.#serial.run(() => this.#connected());
    return this.#maxBatchBytes;
  }

  read<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#attempts((connection) => work(this.#session(connection)));
  }

  write<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#attempts(async (connection) => {
      await this.#query(connection, 'START TRANSACTION');
      try {
        const result = await work(this.#session(connection));
        await this.#query(connection, 'COMMIT');
        return result;
      } catch (thrown) {
        await this.#rollback(connection);
        throw thrown;
      }
    });
  }

  readOnly(sql: string): Promise<readonly SqlRow[]> {
    return this.#attempts(async (connection) => {
      await this.#query(connection, 'START TRANSACTION READ ONLY');
      try {
        return await this.#query(connection, sql);
      } finally {
        await this.#rollback(connection);
      }
    });
  }

  migrate<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#attempts(async (connection) => {
      // The lock only keeps two migrators from doing the same work: steps that are there already are recognised.
      const lock = "CONCAT('fleet-health migrate ', SHA1(DATABASE()))";
      await this.#query(connection, `SELECT GET_LOCK(${lock}, 600)`, migrationTimeoutMs);
      try {
        // Not all DDL can be prepared, so what has no values goes as text.
        const prepared = this.#session(connection, migrationTimeoutMs);
        return await work({
          all: prepared.all,
          run: async (sql, values = []) => {
            if (values.length > 0) return prepared.run(sql, values);
            await this.#query(connection, sql, migrationTimeoutMs);
            return 0;
          },
        });
      } finally {
        await this.#query(connection, `DO RELEASE_LOCK(${lock})`).catch(() => this.#drop(connection));
      }
    });
  }

  async close(): Promise<void> {
    await this.#serial.run(async () => {
      this.#closed = true;
      const connection = this.#connection;
      this.#connection = null;
      // An orderly end; when the server does not take part in it, the socket goes all the same.
      const timer = setTimeout(() => connection?.destroy(), 2000);
      await connection?.end().catch(() => connection.destroy());
      clearTimeout(timer);
    });
  }

  #attempts<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      for (let attempt = 1; ; attempt += 1) {
        const reused = this.#connection !== null;
        const connection = await this.#connected();
        try {
          return await work(connection);
        } catch (thrown) {
          if (!(thrown instanceof StorageFault) || attempt >= maxAttempts) throw thrown;
          const mayHelp =
            thrown.kind === 'contended' || thrown.kind === 'duplicate' || (thrown.kind === 'lost' && reused);
          if (!mayHelp) throw thrown;
        }
      }
    });
  }

  async #connected(): Promise<Connection> {
    if (this.#closed) throw this.#fault('lost', 'closed');
    if (this.#options.signal?.aborted === true) throw this.#fault('aborted', 'ended');
    if (this.#connection !== null) return this.#connection;
    // Outside of `try`: a missing secret is no fault of the database.
    const options = this.#connectionOptions();
    let connection: Connection | null = null;
    try {
      connection = await createConnection(options);
      const opened = connection;
      opened.on('error', () => this.#drop(opened));
      for (const sql of [...sessionSql, lockWaitSql[this.#options.program]]) await this.#query(opened, sql);
      const rows = await this.#query(opened, 'SELECT @@max_allowed_packet AS bytes');
      this.#maxBatchBytes = Math.floor(Number(rows[0]?.['bytes']) / 4);
      this.#connection = opened;
      return opened;
    } catch (thrown) {
      connection?.destroy();
      throw mysqlFault(thrown, this.#where);
    }
  }

  #connectionOptions(): ConnectionOptions {
    const { storage, connectTimeoutMs } = this.#options;
    const tls = tlsOptions(storage);
    return {
      ...(storage.socketPath === null
        ? { host: storage.host ?? '127.0.0.1', port: storage.port ?? 3306 }
        : { socketPath: storage.socketPath }),
      ...(storage.user === null ? {} : { user: storage.user }),
      ...(storage.password === null ? {} : { password: storage.password.reveal() }),
      ...(storage.database === null ? {} : { database: storage.database }),
      ...(tls === null ? {} : { ssl: { ...tls } }),
      // Of MariaDB's unix_socket: who we are is for the server to ask the kernel; nothing is sent.
      authPlugins: { auth_socket: () => () => Buffer.alloc(0) },
      charset: 'UTF8MB4_BIN',
      connectTimeout: connectTimeoutMs ?? 10_000,
      dateStrings: true,
      decimalNumbers: true,
      jsonStrings: true,
      supportBigNumbers: true,
      timezone: 'Z',
    };
  }

  #session(connection: Connection, timeoutMs = this.#statementTimeoutMs): Session {
    const execute = <R extends ResultSetHeader | RowDataPacket[]>(
      sql: string,
      values: readonly SqlValue[],
    ): Promise<R> => this.#answer(connection, timeoutMs, () => connection.execute<R>(sql, [...values]));
    return {
      run: async (sql, values = []) => (await execute<ResultSetHeader>(sql, values)).affectedRows,
      all: (sql, values = []) => execute<RowDataPacket[]>(sql, values),
    };
  }

  #query(
    connection: Connection,
    sql: string,
    timeoutMs: number = this.#statementTimeoutMs,
  ): Promise<readonly SqlRow[]> {
    return this.#answer(connection, timeoutMs, () => connection.query<RowDataPacket[]>(sql));
  }

  // mysql2 leaves a statement unanswered for ever when its connection is destroyed, and keeps the timer of its own
  // timeout: so deadline and signal are ours.
  async #answer<R>(
    connection: Connection,
    timeoutMs: number,
    ask: () => Promise<readonly [R, ...unknown[]]>,
  ): Promise<R> {
    const { signal } = this.#options;
    try {
      return (await withDeadline({ timeoutMs, signal, where: this.#where }, ask))[0];
    } catch (thrown) {
      const fault = mysqlFault(thrown, this.#where);
      // After a timeout the answer may still come and would be taken for that of the next statement.
      if (fault.kind === 'lost' || fault.kind === 'aborted') this.#drop(connection);
      throw fault;
    }
  }

  async #rollback(connection: Connection): Promise<void> {
    if (this.#connection !== connection) return;
    try {
      await this.#query(connection, 'ROLLBACK');
    } catch {
      this.#drop(connection);
    }
  }

  #fault(kind: FaultKind, words: string): StorageFault {
    return new StorageFault(kind, `${this.#where}: ${words}`);
  }

  #drop(connection: Connection): void {
    if (this.#connection === connection) this.#connection = null;
    connection.destroy();
  }
}
