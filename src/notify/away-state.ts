import { existsSync } from 'node:fs';

import { openSqlite } from '../platform/sqlite.ts';
import type { SqliteDatabase, SqliteRow } from '../platform/sqlite.ts';
import { dayMs } from '../platform/units.ts';

/** What is remembered of a database that is away, without that database. Times are milliseconds since 1970. */
export interface AwayState {
  /** Since when, as the first program of this machine saw it; null: it is not away. */
  readonly sinceMs: number | null;
  /** The programs that cannot do their work for want of it. */
  readonly programs: readonly string[];
  /** When a line on stderr said so last; null: none has. */
  readonly saidAtMs: number | null;
  /** Mails that said so. */
  readonly mails: number;
  readonly mailedAtMs: number | null;
  /** When a mail was tried last that did not go out; null: it did, or none was tried. */
  readonly triedAtMs: number | null;
}

/** One program at work with the state: what it reads is so until it has written, whatever the other one does. */
export interface AwayChange {
  readonly state: AwayState;
  seen(program: string, atMs: number): void;
  gone(program: string): void;
  said(atMs: number): void;
  /** Before a mail goes out, so that the other program does not send it as well. */
  claimMail(atMs: number): void;
  /** It did not go out. */
  returnMail(before: AwayState, atMs: number): void;
  /** All is well again. */
  forget(): void;
}

/** A program that has not said for so long that it lacks the database is no longer started. */
const staleMs = 8 * dayMs;

// Made while all is well, and changed in place with the rollback journal in memory: so it works on a disk that is full,
// which is why many a database is away. A crash in the middle of a write loses at most this.
const schemaSql = [
  'CREATE TABLE IF NOT EXISTS programs (program TEXT PRIMARY KEY, since_ms INTEGER, seen_ms INTEGER)',
  `CREATE TABLE IF NOT EXISTS told (one INTEGER PRIMARY KEY CHECK (one = 1), since_ms INTEGER, said_ms INTEGER,
    mails INTEGER NOT NULL DEFAULT 0, mailed_ms INTEGER, tried_ms INTEGER)`,
  'INSERT OR IGNORE INTO told (one) VALUES (1)',
  "INSERT OR IGNORE INTO programs (program) VALUES ('collect'), ('alert')",
] as const;

/** Makes the file when it is not there yet. Throws what SQLite throws. */
export function makeAwayState(file: string): void {
  if (!existsSync(file)) changeAwayState(file, () => undefined);
}

/** Work in one transaction that no other process is in; made when missing. Throws what SQLite throws. */
export function changeAwayState<T>(file: string, work: (change: AwayChange) => T): T {
  const database = openSqlite(file);
  try {
    database.exec('PRAGMA journal_mode = MEMORY');
    // The other program is in it for a few milliseconds.
    database.exec('PRAGMA busy_timeout = 2000');
    database.exec('BEGIN IMMEDIATE');
    for (const sql of schemaSql) database.exec(sql);
    const result = work(changeOf(database));
    database.exec('COMMIT');
    return result;
  } finally {
    database.close();
  }
}

function changeOf(database: SqliteDatabase): AwayChange {
  const run = (sql: string, ...values: (number | string | null)[]): void => void database.prepare(sql).run(...values);
  return {
    get state() {
      return readState(database);
    },
    seen: (program, atMs) => {
      run('UPDATE programs SET since_ms = NULL WHERE seen_ms < ? OR since_ms > ?', atMs - staleMs, atMs);
      run('UPDATE programs SET since_ms = COALESCE(since_ms, ?), seen_ms = ? WHERE program = ?', atMs, atMs, program);
      run('UPDATE told SET since_ms = CASE WHEN since_ms <= ? THEN since_ms ELSE ? END', atMs, atMs);
    },
    gone: (program) => run('UPDATE programs SET since_ms = NULL, seen_ms = NULL WHERE program = ?', program),
    said: (atMs) => run('UPDATE told SET said_ms = ?', atMs),
    claimMail: (atMs) => run('UPDATE told SET mails = mails + 1, mailed_ms = ?, tried_ms = NULL', atMs),
    returnMail: ({ mails, mailedAtMs }, atMs) =>
      run('UPDATE told SET mails = ?, mailed_ms = ?, tried_ms = ?', mails, mailedAtMs, atMs),
    forget: () => run('UPDATE told SET since_ms = NULL, said_ms = NULL, mails = 0, mailed_ms = NULL, tried_ms = NULL'),
  };
}

function readState(database: SqliteDatabase): AwayState {
  const told = database.prepare('SELECT * FROM told WHERE one = 1').get() ?? {};
  const programs = database.prepare('SELECT program FROM programs WHERE since_ms IS NOT NULL ORDER BY program').all();
  return {
    sinceMs: numberOf(told, 'since_ms'),
    programs: programs.map((row) => String(row['program'])),
    saidAtMs: numberOf(told, 'said_ms'),
    mails: numberOf(told, 'mails') ?? 0,
    mailedAtMs: numberOf(told, 'mailed_ms'),
    triedAtMs: numberOf(told, 'tried_ms'),
  };
}

function numberOf(row: SqliteRow, column: string): number | null {
  const value = row[column];
  return typeof value === 'number' ? value : null;
}
