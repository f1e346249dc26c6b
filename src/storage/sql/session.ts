/** A value of `?` or of a column. Times are text; see sql-time.ts. Only BLOB columns hold bytes. */
export type SqlValue = string | number | null | Uint8Array;

export type SqlRow = Readonly<Record<string, SqlValue>>;

/** Statements with `?`, in one transaction or outside of any. Throws StorageFault. */
export interface Session {
  /** Runs a statement that changes rows. Returns how many it changed. */
  readonly run: (sql: string, values?: readonly SqlValue[]) => Promise<number>;
  readonly all: (sql: string, values?: readonly SqlValue[]) => Promise<readonly SqlRow[]>;
}
