/** A value of `?` or of a column. Times are text; see sql-time.ts. Only BLOB columns hold bytes. */
export type SqlValue = string | number | null | Uint8Array;

export type SqlRow = Readonly<Record<string, SqlValue>>;

/**
 * Runs statements with `?`, in one transaction or outside of any. Throws StorageFault.
 *
 * Statements are written once, in the SQL that all databases run. An upsert is a call of mergeRows or mergeSelected: no
 * statement holds a key twice. A value in the list of a SELECT stands only in the outermost list of INSERT .. SELECT,
 * where it has the type of its column. A CASE whose results are values ends in `ELSE column`. No statement sorts by a
 * column that may be NULL. JSON is text.
 */
export interface Session {
  readonly dialect: Dialect;
  /** The most bytes of values for one statement: a quarter of the server's largest packet. */
  readonly maxBatchBytes: number;
  /** Runs a statement that changes rows. Returns the number of changed rows. */
  readonly run: (sql: string, values?: readonly SqlValue[]) => Promise<number>;
  readonly all: (sql: string, values?: readonly SqlValue[]) => Promise<readonly SqlRow[]>;
}

/**
 * A session's limits follow from its use. The database itself keeps `read` and `look` from writing; a session for
 * `look` may stay idle for long.
 */
export type DatabaseUse = 'collect' | 'alert' | 'change' | 'read' | 'look';

/** True if the database itself keeps a session of this use from writing. */
export function isReadOnlyUse(program: DatabaseUse): boolean {
  return program === 'read' || program === 'look';
}

/** A connection to one database. Work runs one after the other, in the order of the calls. */
export interface Database {
  /** Runs work that only reads, each statement by itself. */
  read<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /**
   * Runs work in one transaction, which is undone if the work throws. The work runs again from the start after a
   * deadlock, a lock wait timeout, a unique key that another writer took meanwhile, or a lost connection: its changes
   * must be idempotent, and it must keep nothing in memory of an earlier attempt.
   */
  write<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Runs a person's statement. The database itself refuses writes. */
  readOnly(sql: string): Promise<readonly SqlRow[]>;
  /**
   * Changes the schema, in one transaction if the database supports transactional DDL. Otherwise each statement commits
   * by itself. After a statement that fails, the session goes on with the next one: a database that would refuse all
   * further statements of the transaction sets a savepoint before each.
   */
  migrate<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** Returns the use of space in the database's file; null if the database is a server. */
  space(): Promise<FileSpace | null>;
  /** Gives a little of the file's free space back to the file system. Missing if the database is a server. */
  reclaim?(): Promise<void>;
  /** Returns the server or file in words, with the settings that let it forget what it has confirmed. */
  describe?(): Promise<string>;
  /**
   * Returns a sentence for each setting with which a crash takes what was confirmed, or which stands in the way later.
   * Missing: nothing is known.
   */
  notes?(): Promise<readonly string[]>;
  /**
   * Opens another server of the same database, to read there until the signal is aborted. Throws StorageFault if none
   * answers. null or missing: there is none.
   */
  elsewhere?(signal: AbortSignal): Promise<Database | null>;
  close(): Promise<void>;
}

/** The use of space in the file of a database. */
export interface FileSpace {
  readonly sizeBytes: number;
  /** The free bytes inside the file. */
  readonly freeBytes: number;
  /** True if free space can be given back little by little. Otherwise the file has to be made anew once. */
  readonly shrinks: boolean;
}

/** A table, a view, on SQLite an index, on MariaDB a sequence. */
export interface SchemaObject {
  readonly name: string;
  readonly kind: 'table' | 'view' | 'index' | 'sequence';
  /** SQL that creates the object, in a form that is equal for equal objects. */
  readonly definition: string;
}

/**
 * The differences between the databases' SQL; everything else is written once. Names of tables and columns in these
 * texts come from the program alone, never from values.
 */
export interface Dialect {
  /** The folder of `sql/` with its migrations. */
  readonly name: string;
  /** The database's clock, UTC, in the form of the time columns. */
  readonly now: string;
  /** The time an hour after now. A later time was stored under a wrong clock. */
  readonly farAhead: string;
  /** Returns the whole seconds since 1970 of a time column. */
  unixSeconds(column: string): string;
  /** Returns the quotient of two whole numbers, cut to a whole number. */
  quotient(dividend: string, divisor: number): string;
  /** Returns the hour or day of a time column, in the form of this column of rollups. */
  spanOf(span: 'hour' | 'day', column: string): string;
  /** Returns the time a day before a time. */
  dayBefore(time: string): string;
  /** The end of each CREATE TABLE: what a server's defaults must not decide. */
  readonly tableOptions: string;
  /**
   * Returns the statements that make a view, in place of one that may be there. Where it can be, grants stay, and the
   * view is there all the time. Who reads a view needs leave to read its tables.
   */
  replaceView(name: string, select: string): readonly string[];
  /** The clause that ends a SELECT whose rows are changed later in the same transaction. */
  readonly forUpdate: string;
  /**
   * Returns the text after VALUES (...) for a row whose key may exist. The assignments (`column = expression`, at least
   * one) then change the existing row.
   */
  onConflict(key: string, assignments: readonly string[]): string;
  /** Returns the rows of a SELECT in place of VALUES before onConflict. Each column is named as in the table. */
  selected(select: string): string;
  /** Returns the value of a column in the row to insert, for an assignment of onConflict. */
  incoming(column: string): string;
  /** Returns the existing objects of these names. Names are constants of the program. */
  schema(session: Session, names: readonly string[]): Promise<readonly SchemaObject[]>;
  /** Removes objects, whichever of them refers to which. */
  drop(session: Session, objects: readonly SchemaObject[]): Promise<void>;
  /** Returns the next id of a table's counter. */
  counter(session: Session, table: string): Promise<number>;
  /** Sets the next id of a table's counter, in a session that migrates. */
  setCounter(session: Session, table: string, next: number): Promise<void>;
  /** Matches the parts of a statement in which a semicolon does not end it: strings, quoted names and comments. */
  readonly quoted: RegExp;
}
