import type { Dialect } from './dialect.ts';
import type { Session, SqlRow } from './session.ts';

/**
 * One connection to one database. Work runs one after the other, in the order of the calls.
 */
export interface Database {
  readonly dialect: Dialect;
  /** How many bytes of values one statement may carry: a quarter of what the server takes in one packet. */
  maxBatchBytes(): Promise<number>;
  /** Work that only reads, each statement by itself. */
  read<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Work in one transaction, undone when it throws. It is made again from the start after a deadlock, a lock that was
   * waited for too long, a unique key that another writer took meanwhile, or a connection that had died: so what it
   * stores must be idempotent, and it must keep nothing in memory of an earlier attempt.
   */
  write<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** One statement of a person's, kept from writing by the database itself. */
  readOnly(sql: string): Promise<readonly SqlRow[]>;
  /** Schema changes: one transaction where the database takes DDL into one, else each statement commits by itself. */
  migrate<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
