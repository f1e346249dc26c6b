import { hourMs, minuteMs } from '../../../platform/units.ts';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Database, Session, SqlRow, SqlValue } from '../../sql/database.ts';
import { answerInTime } from '../../sql/answer-in-time.ts';
import { StorageFault, type FaultKind } from '../../sql/fault.ts';
import { Serial } from '../../sql/serial.ts';
import { storableValues } from '../../sql/storable-values.ts';
import { crashSentences, describeServer, hindranceSentences, replicaSentences, settingsSql } from './crashes.ts';
import { mysqlFault } from './faults.ts';
import { retryOf } from './retry.ts';
import {
  createMysqlServers,
  type Connection,
  type MysqlServers,
  type MysqlServersOptions,
  type OpenedSession,
  type ResultSetHeader,
  type RowDataPacket,
} from './servers.ts';

export interface MysqlDatabaseOptions extends MysqlServersOptions {
  /** The timeout of a statement. */
  readonly statementTimeoutMs?: number;
}

/** The timeout of migrations: DDL on a table with many rows takes long. */
const migrationTimeoutMs = hourMs;

/** Connects, so that a wrong address or password is reported at once. Throws StorageFault. */
export async function openMysqlDatabase(options: MysqlDatabaseOptions): Promise<Database> {
  const database = new MysqlServer(options);
  await database.connect();
  return database;
}

class MysqlServer implements Database {
  readonly #options: MysqlDatabaseOptions;
  readonly #servers: MysqlServers;
  readonly #statementTimeoutMs: number;
  readonly #serial = new Serial();
  #connection: Connection | null = null;
  #opened: OpenedSession | null = null;
  #closed = false;

  constructor(options: MysqlDatabaseOptions) {
    this.#options = options;
    this.#statementTimeoutMs = options.statementTimeoutMs ?? minuteMs;
    this.#servers = createMysqlServers(options);
  }

  async connect(): Promise<void> {
    await this.#serial.run(() => this.#connected());
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
      const lock = "CONCAT('fleet-health migrate ', LEFT(SHA2(DATABASE(), 256), 40))";
      const isLocked = await this.#lock(connection, `SELECT GET_LOCK(${lock}, 600)`);
      try {
        // Not all DDL can be prepared, so statements without values are sent as text.
        const prepared = this.#session(connection, migrationTimeoutMs);
        return await work({
          ...prepared,
          run: async (sql, values = []) => {
            if (values.length > 0) return prepared.run(sql, values);
            await this.#query(connection, sql, migrationTimeoutMs);
            return 0;
          },
        });
      } finally {
        if (isLocked) await this.#query(connection, `DO RELEASE_LOCK(${lock})`).catch(() => this.#drop(connection));
      }
    });
  }

  /**
   * Returns false if the server has no such locks, like Percona XtraDB Cluster. The lock only keeps two migrators from
   * duplicate work: steps that are already done are recognised.
   */
  async #lock(connection: Connection, sql: string): Promise<boolean> {
    try {
      await this.#query(connection, sql, migrationTimeoutMs);
      return true;
    } catch (thrown) {
      if (thrown instanceof StorageFault && (thrown.kind === 'broken' || thrown.kind === 'refused')) return false;
      throw thrown;
    }
  }

  space(): Promise<null> {
    return Promise.resolve(null);
  }

  async describe(): Promise<string> {
    return describeServer(this.#servers.where(), await this.#settings());
  }

  async notes(): Promise<readonly string[]> {
    const where = this.#servers.where();
    const settings = await this.#settings();
    const replica = await this.read((session) => session.all('SHOW REPLICA STATUS')).catch((thrown: unknown) => {
      if (!(thrown instanceof StorageFault)) throw thrown;
      // A server without a binary log and alone in the URL is hardly a replica. Old servers do not know the statement.
      const mayBe = settings.get('log_bin') === 'ON' || this.#servers.count > 1;
      if (thrown.kind === 'denied') return mayBe ? null : [];
      if (thrown.kind === 'refused') return [];
      throw thrown;
    });
    return [
      ...crashSentences(where, settings),
      ...hindranceSentences(where, settings),
      ...replicaSentences(where, replica),
    ];
  }

  async #settings(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.read((session) => session.all(settingsSql));
    return new Map(rows.map((row) => [String(row['Variable_name']), String(row['Value'])]));
  }

  async elsewhere(until: AbortSignal): Promise<Database | null> {
    const storage = this.#servers.others();
    if (storage === null) return null;
    const { signal = until } = this.#options;
    const ended = AbortSignal.any([signal, until]);
    return await openMysqlDatabase({ ...this.#options, signal: ended, storage, program: 'read' });
  }

  async close(): Promise<void> {
    await this.#serial.run(async () => {
      this.#closed = true;
      const connection = this.#connection;
      this.#connection = null;
      // Ends the connection in order. Destroys the socket if the server does not answer.
      const timer = setTimeout(() => connection?.destroy(), 2000);
      await connection?.end().catch(() => connection.destroy());
      clearTimeout(timer);
    });
  }

  #attempts<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      const servers = this.#servers.count;
      let failedAt: number | null = null;
      for (let attempt = 1; ; attempt += 1) {
        const reused = this.#connection !== null;
        try {
          return await work(await this.#connected());
        } catch (thrown) {
          if (!(thrown instanceof StorageFault)) throw thrown;
          failedAt ??= performance.now();
          const failingMs = performance.now() - failedAt;
          const wasConnected = this.#opened !== null;
          const isOfGroup = this.#opened?.isOfGroup === true;
          const retry = retryOf({ fault: thrown, attempt, failingMs, servers, reused, wasConnected, isOfGroup });
          if (retry === null || this.#closed) throw thrown;
          if (retry.elsewhere) this.#leave();
          await this.#pause(retry.pauseMs);
        }
      }
    });
  }

  #leave(): void {
    this.#servers.leave();
    if (this.#connection !== null) this.#drop(this.#connection);
  }

  async #pause(pauseMs: number): Promise<void> {
    const { signal } = this.#options;
    // The next attempt throws if the signal has ended the pause.
    if (pauseMs > 0) await sleep(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }

  async #connected(): Promise<Connection> {
    if (this.#closed) throw this.#fault('lost', 'closed');
    if (this.#options.signal?.aborted === true) throw this.#fault('aborted', 'ended');
    if (this.#connection !== null) return this.#connection;
    this.#opened = await this.#servers.connect();
    const { connection } = this.#opened;
    connection.on('error', () => this.#drop(connection));
    this.#connection = connection;
    return connection;
  }

  #session(connection: Connection, timeoutMs = this.#statementTimeoutMs): Session {
    if (this.#opened === null) throw new TypeError('no session was opened');
    const { dialect, maxBatchBytes } = this.#opened;
    const execute = <R extends ResultSetHeader | RowDataPacket[]>(
      sql: string,
      values: readonly SqlValue[],
    ): Promise<R> => this.#answer(connection, timeoutMs, () => connection.execute<R>(sql, [...storableValues(values)]));
    return {
      dialect,
      maxBatchBytes,
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

  // mysql2 never answers a statement whose connection is destroyed, and keeps the timer of its own timeout. Therefore
  // deadline and signal are ours.
  async #answer<R>(
    connection: Connection,
    timeoutMs: number,
    ask: () => Promise<readonly [R, ...unknown[]]>,
  ): Promise<R> {
    const { signal } = this.#options;
    const where = this.#servers.where();
    try {
      return (await answerInTime({ timeoutMs, signal, where }, ask))[0];
    } catch (thrown) {
      const fault = mysqlFault(thrown, where);
      // After a timeout the answer may still arrive and be mistaken for the answer to the next statement.
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
    return new StorageFault(kind, `${this.#servers.where()}: ${words}`);
  }

  #drop(connection: Connection): void {
    if (this.#connection === connection) this.#connection = null;
    connection.destroy();
  }
}
