import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';

/** What a column can hold. Integers beyond 2^53 are refused in both directions. */
export type SqliteValue = null | number | bigint | string | Uint8Array;
export type SqliteRow = Readonly<Record<string, SqliteValue>>;

/** One prepared statement; values are bound in the order of its `?`. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  /** The first row, or undefined. */
  get(...values: SqliteValue[]): SqliteRow | undefined;
  all(...values: SqliteValue[]): SqliteRow[];
}

/** One connection to one SQLite file: what node:sqlite and its package have in common. Every call is synchronous. */
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
 * Opens a SQLite file through node:sqlite where Node has it, else through @photostructure/sqlite, which has the same API.
 * A file that does not exist is made with mode 0600. A lock held by somebody else is an error at once (see isSqliteBusy):
 * whoever waits does so without blocking the event loop. Throws what SQLite throws; sqliteResultCode reads it.
 */
export function openSqlite(path: string, options: SqliteOptions = {}): SqliteDatabase {
  const readOnly = options.readOnly ?? false;
  if (!readOnly) createPrivately(path);
  loaded ??= loadModule();
  const database = new loaded.DatabaseSync(path, { readOnly });
  database.exec('PRAGMA busy_timeout = 0');
  return database;
}

/** SQLITE_FULL. */
const full = 13;
/** SQLITE_IOERR_SHMSIZE: the -shm file could not grow, which on Node 22 and newer is what a full disk says first. */
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

/** SQLite's primary result code (https://sqlite.org/rescode.html) of anything thrown; null when it is no such error. */
export function sqliteResultCode(thrown: unknown): number | null {
  if (!(thrown instanceof Error) || !('code' in thrown) || thrown.code !== 'ERR_SQLITE_ERROR') return null;
  if ('errcode' in thrown && typeof thrown.errcode === 'number') {
    return thrown.errcode === ioerrShmSize ? full : thrown.errcode & 0xff;
  }
  // The package gives no number for what fails in `all`: 1 is SQLITE_ERROR.
  return codesOfTexts.get(thrown.message) ?? 1;
}

/** Whether somebody else holds the lock that was asked for: SQLITE_BUSY or SQLITE_LOCKED. */
export function isSqliteBusy(thrown: unknown): boolean {
  const code = sqliteResultCode(thrown);
  return code === 5 || code === 6;
}

// SQLite would make the file with the process's umask. An existing file is left alone: opening and closing it a second
// time would drop the POSIX locks that this process holds on it.
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

// Node 22 warns when node:sqlite is loaded, and cron would mail the warning at every run. It is given out synchronously,
// so nothing else can be lost meanwhile.
function withoutSqliteWarning<T>(load: () => T): T {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- It is put back as it was, and called with its `this`.
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
