import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';

import { lacksDescriptors } from './errors/errors.ts';

/** A column's value. Integers beyond 2^53 are rejected in both directions. */
export type SqliteValue = null | number | bigint | string | Uint8Array;
export type SqliteRow = Readonly<Record<string, SqliteValue>>;

/** A prepared statement. Values are bound in the order of its `?`. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  /** Returns the first row, or undefined. */
  get(...values: SqliteValue[]): SqliteRow | undefined;
  all(...values: SqliteValue[]): SqliteRow[];
  /** Returns the columns. Node before 22.16 lacks columns and setReturnArrays. */
  columns?(): readonly { readonly name: string }[];
  setReturnArrays?(enabled: boolean): void;
}

/** A connection to a SQLite file: the common part of node:sqlite and its package. Every call is synchronous. */
export interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export interface SqliteOptions {
  /** Opens an existing file and never writes to it. */
  readonly readOnly?: boolean;
}

interface SqliteModule {
  readonly DatabaseSync: new (path: string, options: { readonly readOnly: boolean }) => SqliteDatabase;
}

const require = createRequire(import.meta.url);
let loaded: SqliteModule | null = null;

/**
 * Opens a SQLite file by node:sqlite if Node has it, otherwise by @photostructure/sqlite, which has the same API.
 * Creates a missing file with mode 0600. A lock of another process is an immediate error (see isSqliteBusy), so that
 * callers can wait without blocking the event loop. Throws SQLite's errors; sqliteResultCode returns their codes.
 */
export function openSqlite(path: string, options: SqliteOptions = {}): SqliteDatabase {
  const readOnly = options.readOnly ?? false;
  if (!readOnly) createPrivately(path);
  loaded ??= loadModule();
  const database = new loaded.DatabaseSync(path, { readOnly });
  database.exec('PRAGMA busy_timeout = 0');
  return database;
}

/**
 * Returns `all` of a statement. Reads the rows as arrays if that is supported, in half the time of objects. The
 * statement itself may then be used only for `run`.
 */
export function rowReader(statement: SqliteStatement): (...values: SqliteValue[]) => readonly SqliteRow[] {
  if (statement.columns === undefined || statement.setReturnArrays === undefined) {
    return (...values) => statement.all(...values);
  }
  const names = statement.columns().map(({ name }) => name);
  statement.setReturnArrays(true);
  return (...values) =>
    (statement.all(...values) as unknown as readonly (readonly SqliteValue[])[]).map((cells) => {
      const row: Record<string, SqliteValue> = {};
      // An iterator over the names would take half as long again, and millions of rows are read.
      for (let index = 0; index < names.length; index += 1) row[names[index] ?? ''] = cells[index] ?? null;
      return row;
    });
}

/** The code SQLITE_FULL. */
const full = 13;
/** The code SQLITE_IOERR_SHMSIZE: the -shm file could not grow. On Node 22 or newer a full disk first causes it. */
const ioerrShmSize = 4874;
// The texts of sqlite3_errstr for codes that are not a statement's own fault.
const codesOfTexts: ReadonlyMap<string, number> = new Map([
  ['access permission denied', 3],
  ['database is locked', 5],
  ['database table is locked', 6],
  ['out of memory', 7],
  ['attempt to write a readonly database', 8],
  ['disk I/O error', 10],
  ['database disk image is malformed', 11],
  ['database or disk is full', full],
  ['unable to open database file', 14],
  ['locking protocol', 15],
  ['database schema has changed', 17],
  ['file is not a database', 26],
]);

/** Returns SQLite's primary result code (https://sqlite.org/rescode.html) of an error; null if it is not SQLite's. */
export function sqliteResultCode(thrown: unknown): number | null {
  if (!(thrown instanceof Error) || !('code' in thrown) || thrown.code !== 'ERR_SQLITE_ERROR') return null;
  if ('errcode' in thrown && typeof thrown.errcode === 'number') {
    return thrown.errcode === ioerrShmSize ? full : thrown.errcode & 0xff;
  }
  // The package reports no number for failures in `all`: 1 is SQLITE_ERROR.
  return codesOfTexts.get(thrown.message) ?? 1;
}

/**
 * Returns the error of a file that cannot be opened for want of descriptors, which SQLite does not name. Returns null
 * if a file can be opened.
 */
export function noDescriptor(): unknown {
  try {
    closeSync(openSync('/dev/null', 'r'));
    return null;
  } catch (thrown) {
    return lacksDescriptors(thrown) ? thrown : null;
  }
}

/** True if another connection holds the lock: SQLITE_BUSY or SQLITE_LOCKED. */
export function isSqliteBusy(thrown: unknown): boolean {
  const code = sqliteResultCode(thrown);
  return code === 5 || code === 6;
}

// SQLite would create the file with the process's umask. Never opens an existing file: closing it again would drop the
// POSIX locks that this process holds on it.
function createPrivately(path: string): void {
  if (path === ':memory:') return;
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST')) throw thrown;
  }
}

function loadModule(): SqliteModule {
  const builtin = withoutSqliteWarning(() => process.getBuiltinModule('node:sqlite') as SqliteModule | undefined);
  return builtin ?? (require('@photostructure/sqlite') as SqliteModule);
}

// Node 22 warns when node:sqlite is loaded, and cron would mail the warning at every run. The warning is synchronous:
// no other warning can be lost.
function withoutSqliteWarning<T>(load: () => T): T {
  // oxlint-disable-next-line typescript/unbound-method -- It is put back as it was, and called with its `this`.
  const original = process.emitWarning;
  process.emitWarning = (warning: string | Error, ...rest: []) => {
    if (String(warning).startsWith('SQLite is an experimental feature')) return;
    original.call(process, warning, ...rest);
  };
  try {
    return load();
  } finally {
    process.emitWarning = original;
  }
}
