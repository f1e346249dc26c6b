import type { Dialect } from './dialect.ts';
import type { Session, SqlRow } from './session.ts';

/**
 * A connection to one database. Work runs one after the other, in the order of the calls.
 */
export interface Database {
  readonly dialect: Dialect;
  /** Returns the most bytes of values for one statement: a quarter of the server's largest packet. */
  maxBatchBytes(): Promise<number>;
  /** Runs work that only reads, each statement by itself. */
  read<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Runs work in one transaction, which is undone if the work throws. The work runs again from the start after a
   * deadlock, a lock wait timeout, a unique key that another writer took meanwhile, or a lost connection: its changes
   * must be idempotent, and it must keep nothing in memory of an earlier attempt.
   */
  write<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Runs a person's statement; the database itself keeps it from writing. */
  readOnly(sql: string): Promise<readonly SqlRow[]>;
  /**
   * Changes the schema: in one transaction where the database supports that for DDL, else each statement commits by
   * itself.
   */
  migrate<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
