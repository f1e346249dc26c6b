import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { errnoOf, FleetError, messageOf } from '../errors.ts';
import { isSqliteBusy, openSqlite, sqliteResultCode, type SqliteDatabase } from '../platform/sqlite.ts';

export interface LockHolder {
  readonly pid: number;
  /** The time at which the process took the lock, milliseconds since 1970. */
  readonly startedAtMs: number;
}

export type LockAttempt =
  | { readonly kind: 'held'; readonly release: () => void }
  /** `holder` is null if the file names none. */
  | { readonly kind: 'taken'; readonly holder: LockHolder | null };

export interface LockOptions {
  /** An SQLite file for the lock alone. It is made if it is missing. Its folder must exist. */
  readonly file: string;
  readonly nowMs: number;
}

// The locks of this process. Opening and closing a file a second time would drop its POSIX lock.
const heldHere = new Map<string, LockHolder>();

/**
 * Takes the lock or returns its holder at once. The lock is an open `BEGIN IMMEDIATE` transaction, which ends with the
 * process, even if the process is killed. Throws FleetError `state-unusable` if the file cannot be used.
 */
export async function takeLock(options: LockOptions): Promise<LockAttempt> {
  const file = realFile(options.file);
  const own = heldHere.get(file);
  if (own !== undefined) return { kind: 'taken', holder: own };
  const mine: LockHolder = { pid: process.pid, startedAtMs: options.nowMs };
  heldHere.set(file, mine);
  let database: SqliteDatabase | null = null;
  try {
    database = openSqlite(file);
    const holder = await contend(database, mine);
    if (holder !== 'held') return { kind: 'taken', holder };
    const held = database;
    database = null;
    return { kind: 'held', release: () => release(file, held) };
  } catch (thrown) {
    throw unusable(file, thrown);
  } finally {
    if (database !== null) release(file, database);
  }
}

export interface HoldOptions {
  /** The file of the lock, see LockOptions. */
  readonly file: string;
  /** Returns the message of the error. */
  readonly message: (holder: LockHolder | null) => string;
  readonly advice?: string;
  /** The time during which a taken lock is tried again. Default: 0. */
  readonly waitMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/** Takes a lock. Returns a function that releases it. Throws FleetError `locked` if it stays taken. */
export async function holdLock({ file, message, advice, waitMs = 0, signal }: HoldOptions): Promise<() => void> {
  const endMs = performance.now() + waitMs;
  for (;;) {
    const lock = await takeLock({ file, nowMs: Date.now() });
    if (lock.kind === 'held') return lock.release;
    if (performance.now() >= endMs) {
      throw new FleetError({ code: 'locked', stage: 'lock', message: message(lock.holder), advice });
    }
    await sleep(waitPauseMs, undefined, { signal });
  }
}

const waitPauseMs = 50;

/**
 * Returns the holder of a lock, as takeLock does; null if the lock is free. Never returns another caller of this
 * function as the holder. Throws FleetError `state-unusable` if the file cannot be used.
 */
export async function lookAtLock(lockFile: string): Promise<(LockAttempt & { readonly kind: 'taken' }) | null> {
  const file = realFile(lockFile);
  const own = heldHere.get(file);
  if (own !== undefined) return { kind: 'taken', holder: own };
  if (!existsSync(file)) return null;
  let database: SqliteDatabase | null = null;
  try {
    // BEGIN IMMEDIATE takes no lock on a file that cannot be written, and every lock would look free.
    accessSync(file, constants.W_OK);
    database = openSqlite(file);
    return await watch(database);
  } catch (thrown) {
    throw unusable(file, thrown);
  } finally {
    database?.close();
  }
}

function realFile(file: string): string {
  return path.join(realpathSync(path.dirname(file)), path.basename(file));
}

function unusable(file: string, thrown: unknown): FleetError {
  const message = whyUnwritable(file) ?? `${file}: ${messageOf(thrown)}`;
  return new FleetError({ code: 'state-unusable', stage: 'lock', message, cause: thrown });
}

/**
 * Returns why SQLite calls a database read-only: its folder or its file cannot be written. Returns null if both can.
 */
function whyUnwritable(file: string): string | null {
  for (const place of [path.dirname(file), file]) {
    try {
      accessSync(place, constants.W_OK);
    } catch (thrown) {
      return `${place} cannot be written: ${messageOf(thrown)}`;
    }
  }
  return null;
}

function release(file: string, database: SqliteDatabase): void {
  if (!heldHere.delete(file)) return;
  // A connection with statements that are not collected yet outlives close(), with its transaction.
  rollBack(database);
  database.close();
}

const attempts = 20;
const pauseMs = 25;

/**
 * Commits the holder's row before the transaction that is the lock. Between the two another process may write its own
 * row. A process that then holds the lock under another process's row begins again. A refused process reads until the
 * row names another process.
 */
async function contend(database: SqliteDatabase, mine: LockHolder): Promise<'held' | LockHolder | null> {
  const token = randomUUID();
  let holder: Holder | null = null;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await sleep(pauseMs);
    const outcome = tryOnce(database, mine, token);
    if (outcome === 'held') return 'held';
    if (outcome === 'again') continue;
    holder = outcome;
    if (holder.token !== token && isAlive(holder.pid)) break;
  }
  return holder === null ? null : { pid: holder.pid, startedAtMs: holder.startedAtMs };
}

/**
 * Returns the holder, who is the process that the row names twice in a row; null if the lock is free. Other callers of
 * this function hold the lock for a moment. The row may name a process that has ended, or whose pid another process has
 * now.
 */
async function watch(database: SqliteDatabase): Promise<(LockAttempt & { readonly kind: 'taken' }) | null> {
  let holder: Holder | null = null;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await sleep(pauseMs);
    if (isFree(database)) return null;
    const before: string | undefined = holder?.token;
    holder = readHolder(database) ?? holder;
    if (holder !== null && holder.token === before && isAlive(holder.pid)) break;
  }
  return { kind: 'taken', holder: holder === null ? null : { pid: holder.pid, startedAtMs: holder.startedAtMs } };
}

function isFree(database: SqliteDatabase): boolean {
  try {
    database.exec('BEGIN IMMEDIATE');
    database.exec('ROLLBACK');
    return true;
  } catch (thrown) {
    if (!isSqliteBusy(thrown)) throw thrown;
    rollBack(database);
    return false;
  }
}

interface Holder extends LockHolder {
  readonly token: string;
}

function tryOnce(database: SqliteDatabase, mine: LockHolder, token: string): 'held' | 'again' | Holder {
  try {
    const written = writeHolder(database, mine, token);
    database.exec('BEGIN IMMEDIATE');
    if (!written || readHolder(database)?.token === token) return 'held';
    database.exec('ROLLBACK');
    return 'again';
  } catch (thrown) {
    if (!isSqliteBusy(thrown)) throw thrown;
    rollBack(database);
    return readHolder(database) ?? 'again';
  }
}

/**
 * Writes the holder's row. Returns false if the disk is full: the lock holds all the same, but other processes read a
 * wrong holder.
 */
function writeHolder(database: SqliteDatabase, mine: LockHolder, token: string): boolean {
  try {
    database.exec('BEGIN IMMEDIATE');
    database.exec(
      'CREATE TABLE IF NOT EXISTS holder (one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER, started_at INTEGER, ' +
        'token TEXT)',
    );
    database
      .prepare('INSERT OR REPLACE INTO holder (one, pid, started_at, token) VALUES (1, ?, ?, ?)')
      .run(mine.pid, mine.startedAtMs, token);
    database.exec('COMMIT');
    return true;
  } catch (thrown) {
    if (sqliteResultCode(thrown) !== sqliteFull) throw thrown;
    rollBack(database);
    return false;
  }
}

/** SQLITE_FULL: https://sqlite.org/rescode.html#full */
const sqliteFull = 13;

function rollBack(database: SqliteDatabase): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // No transaction was open.
  }
}

/** Returns null if the row cannot be read: its writer commits just now, or the row was never written. */
function readHolder(database: SqliteDatabase): Holder | null {
  try {
    const row = database.prepare('SELECT pid, started_at, token FROM holder WHERE one = 1').get();
    if (row === undefined) return null;
    const { pid, started_at: startedAtMs, token } = row;
    if (typeof pid !== 'number' || typeof startedAtMs !== 'number' || typeof token !== 'string') return null;
    return { pid, startedAtMs, token };
  } catch (thrown) {
    if (isSqliteBusy(thrown) || /no such table/.test(messageOf(thrown))) return null;
    throw thrown;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // EPERM: the process is alive and belongs to another user.
    return errnoOf(thrown) === 'EPERM';
  }
}
