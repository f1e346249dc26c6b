import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { errnoOf, FleetError, messageOf } from '../platform/errors/errors.ts';
import { isSqliteBusy, noDescriptor, openSqlite, sqliteResultCode, type SqliteDatabase } from '../platform/sqlite.ts';

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

/**
 * Takes the lock or returns its holder at once. The lock is an open `BEGIN IMMEDIATE` transaction, which ends with the
 * process, even if the process is killed. Throws FleetError `state-unusable` if the file cannot be used.
 */
export async function takeLock({ file, nowMs }: LockOptions): Promise<LockAttempt> {
  try {
    const database = openSqlite(file);
    let holder: 'held' | LockHolder | null = null;
    try {
      holder = await contend(database, { pid: process.pid, startedAtMs: nowMs });
    } finally {
      if (holder !== 'held') close(database);
    }
    return holder === 'held' ? { kind: 'held', release: () => close(database) } : { kind: 'taken', holder };
  } catch (thrown) {
    throw unusable(file, thrown);
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
    await sleep(pauseMs, undefined, { signal });
  }
}

const pauseMs = 25;

/**
 * Returns the holder of a lock, as takeLock does; null if the lock is free. Never returns another caller of this
 * function as the holder. Throws FleetError `state-unusable` if the file cannot be used.
 */
export async function lookAtLock(file: string): Promise<(LockAttempt & { readonly kind: 'taken' }) | null> {
  if (!existsSync(file)) return null;
  try {
    // BEGIN IMMEDIATE takes no lock on a file that cannot be written, and every lock would look free.
    accessSync(file, constants.W_OK);
    const database = openSqlite(file);
    try {
      return await watch(database);
    } finally {
      close(database);
    }
  } catch (thrown) {
    throw unusable(file, thrown);
  }
}

function unusable(file: string, thrown: unknown): FleetError {
  const reason = whyUnwritable(file);
  const message = reason?.words ?? `${file}: ${messageOf(thrown)}`;
  const cause = reason?.cause ?? (sqliteResultCode(thrown) === null ? thrown : (noDescriptor() ?? thrown));
  return new FleetError({ code: 'state-unusable', stage: 'lock', message, cause });
}

/**
 * Returns why SQLite calls a database read-only: its folder or its file cannot be written. Returns null if both can,
 * and if the file could not be made in its folder for another reason.
 */
function whyUnwritable(file: string): { readonly words: string; readonly cause: unknown } | null {
  for (const place of [path.dirname(file), file]) {
    try {
      if (place === file && lstatSync(file, { throwIfNoEntry: false }) === undefined) return null;
      accessSync(place, constants.W_OK);
    } catch (thrown) {
      return { words: `${place} cannot be written: ${messageOf(thrown)}`, cause: thrown };
    }
  }
  return null;
}

function close(database: SqliteDatabase): void {
  // A connection with statements that are not collected yet outlives close(), with its transaction.
  rollBack(database);
  database.close();
}

/** The pauses after the attempts to take a lock, or to learn its holder. */
const pausesMs: readonly number[] = Array<number>(20).fill(pauseMs);

/**
 * Commits the holder's row before the transaction that is the lock. Between the two another process may write its own
 * row. A process that then holds the lock under another process's row begins again. A refused process reads until the
 * row names another process.
 */
async function contend(database: SqliteDatabase, mine: LockHolder): Promise<'held' | LockHolder | null> {
  const token = randomUUID();
  let row: HolderRow | null = null;
  for (const pause of pausesMs) {
    const outcome = tryOnce(database, mine, token);
    if (outcome === 'held') return 'held';
    row = outcome ?? row;
    if (row !== null && row.token !== token && isAlive(row.holder.pid)) break;
    await sleep(pause);
  }
  return row?.holder ?? null;
}

/**
 * Returns the holder, who is the process that the row names twice in a row; null if the lock is free. Other callers of
 * this function hold the lock for a moment. The row may name a process that has ended, or whose pid another process has
 * now. Leaves the transaction open if the lock is free.
 */
async function watch(database: SqliteDatabase): Promise<(LockAttempt & { readonly kind: 'taken' }) | null> {
  let row: HolderRow | null = null;
  for (const pause of pausesMs) {
    if (isBegun(database)) return null;
    const before: string | undefined = row?.token;
    row = readHolder(database) ?? row;
    if (row !== null && row.token === before && isAlive(row.holder.pid)) break;
    await sleep(pause);
  }
  return { kind: 'taken', holder: row?.holder ?? null };
}

/** Begins the transaction that is the lock. Returns false if the lock is taken. */
function isBegun(database: SqliteDatabase): boolean {
  try {
    database.exec('BEGIN IMMEDIATE');
    return true;
  } catch (thrown) {
    if (!isSqliteBusy(thrown)) throw thrown;
    return false;
  }
}

interface HolderRow {
  readonly holder: LockHolder;
  readonly token: string;
}

/** Returns null if another process has written its row since, or the row cannot be read. */
function tryOnce(database: SqliteDatabase, mine: LockHolder, token: string): 'held' | HolderRow | null {
  try {
    writeHolder(database, mine, token);
    database.exec('BEGIN IMMEDIATE');
    if (readHolder(database)?.token === token) return 'held';
    database.exec('ROLLBACK');
    return null;
  } catch (thrown) {
    rollBack(database);
    // A full disk takes no row. The lock holds all the same, but other processes read a wrong holder.
    const isFull = sqliteResultCode(thrown) === sqliteFull;
    if (isFull && isBegun(database)) return 'held';
    if (isFull || isSqliteBusy(thrown)) return readHolder(database);
    throw thrown;
  }
}

function writeHolder(database: SqliteDatabase, { pid, startedAtMs }: LockHolder, token: string): void {
  database.exec('BEGIN IMMEDIATE');
  database.exec(
    'CREATE TABLE IF NOT EXISTS holder (one INTEGER PRIMARY KEY CHECK (one = 1), pid INTEGER, started_at INTEGER, ' +
      'token TEXT)',
  );
  database
    .prepare('INSERT OR REPLACE INTO holder (one, pid, started_at, token) VALUES (1, ?, ?, ?)')
    .run(pid, startedAtMs, token);
  database.exec('COMMIT');
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
function readHolder(database: SqliteDatabase): HolderRow | null {
  try {
    const row = database.prepare('SELECT pid, started_at, token FROM holder WHERE one = 1').get();
    if (row === undefined) return null;
    return { holder: { pid: Number(row['pid']), startedAtMs: Number(row['started_at']) }, token: String(row['token']) };
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
