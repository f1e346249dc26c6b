import { existsSync } from 'node:fs';

import { openSqlite, type SqliteDatabase, type SqliteRow } from '../platform/sqlite.ts';
import { dayMs } from '../platform/units.ts';
import type { StatePaths } from '../state/paths.ts';

/** The resource whose outage is notified: the database or config.xml. */
export interface AwayTopic {
  /** The name in <notify rules> and <mail rules>. */
  readonly rule: 'database-away' | 'config-broken';
  readonly state: Extract<keyof StatePaths, 'databaseAway' | 'configBroken'>;
  /** True if the mail is repeated at the interval of <alerts repeat>. */
  readonly repeats: boolean;
  /** True if the state is created before an outage, because a full disk may be its cause. */
  readonly isPrepared: boolean;
}

export const databaseAway: AwayTopic = {
  rule: 'database-away',
  state: 'databaseAway',
  repeats: true,
  isPrepared: true,
};

export const configBroken: AwayTopic = {
  rule: 'config-broken',
  state: 'configBroken',
  repeats: false,
  isPrepared: false,
};

/** The state of an outage, kept without the database. Times are milliseconds since 1970. */
export interface AwayState {
  /** The beginning of the outage, as the first program of this machine noticed it; null if there is none. */
  readonly sinceMs: number | null;
  /** The programs that the outage stops. */
  readonly programs: readonly string[];
  /** The time of the last line on stderr; null if there was none. */
  readonly loggedAtMs: number | null;
  /** The number of mails sent. */
  readonly mails: number;
  readonly mailedAtMs: number | null;
  /** The time of the last mail if it was not sent; null if it was sent, or none was tried. */
  readonly triedAtMs: number | null;
}

/** A read-modify-write under the file's lock. */
export interface AwayChange {
  readonly state: AwayState;
  seen(program: string, atMs: number): void;
  gone(program: string): void;
  logged(atMs: number): void;
  /** Counts a mail before it is sent, so that the other program does not send it too. */
  claimMail(atMs: number): void;
  /** Undoes `claimMail` for a mail that was not sent, and records the attempt. */
  returnMail(before: AwayState, atMs: number): void;
  /** Clears the state after an outage. */
  forget(): void;
}

/** A program that has not reported the outage for this long no longer runs. */
const staleMs = 8 * dayMs;

// The file is created before an outage, and changed in place with the rollback journal in memory. It therefore works on
// a full disk, which is a common cause of an outage. A crash during a write loses at most this file.
const schemaSql = [
  'CREATE TABLE IF NOT EXISTS programs (program TEXT PRIMARY KEY, since_ms INTEGER, seen_ms INTEGER)',
  `CREATE TABLE IF NOT EXISTS notices (one INTEGER PRIMARY KEY CHECK (one = 1), since_ms INTEGER, logged_ms INTEGER,
    mails INTEGER NOT NULL DEFAULT 0, mailed_ms INTEGER, tried_ms INTEGER)`,
  'INSERT OR IGNORE INTO notices (one) VALUES (1)',
  "INSERT OR IGNORE INTO programs (program) VALUES ('collect'), ('alert')",
] as const;

/** Creates the file if it is missing. Throws SQLite's errors. */
export function makeAwayState(file: string): void {
  if (!existsSync(file)) changeAwayState(file, () => undefined);
}

/** Runs work in an exclusive transaction. Creates the file if it is missing. Throws SQLite's errors. */
export function changeAwayState<T>(file: string, work: (change: AwayChange) => T): T {
  const database = openSqlite(file);
  try {
    // The other program holds the lock for a few milliseconds.
    database.exec('PRAGMA busy_timeout = 2000');
    database.exec('PRAGMA journal_mode = MEMORY');
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
      run('UPDATE notices SET since_ms = CASE WHEN since_ms <= ? THEN since_ms ELSE ? END', atMs, atMs);
    },
    gone: (program) => run('UPDATE programs SET since_ms = NULL, seen_ms = NULL WHERE program = ?', program),
    logged: (atMs) => run('UPDATE notices SET logged_ms = ?', atMs),
    claimMail: (atMs) => run('UPDATE notices SET mails = mails + 1, mailed_ms = ?, tried_ms = NULL', atMs),
    returnMail: ({ mails, mailedAtMs }, atMs) =>
      run('UPDATE notices SET mails = ?, mailed_ms = ?, tried_ms = ?', mails, mailedAtMs, atMs),
    forget: () =>
      run('UPDATE notices SET since_ms = NULL, logged_ms = NULL, mails = 0, mailed_ms = NULL, tried_ms = NULL'),
  };
}

function readState(database: SqliteDatabase): AwayState {
  const notice = database.prepare('SELECT * FROM notices WHERE one = 1').get() ?? {};
  const programs = database.prepare('SELECT program FROM programs WHERE since_ms IS NOT NULL ORDER BY program').all();
  return {
    sinceMs: numberOf(notice, 'since_ms'),
    programs: programs.map((row) => String(row['program'])),
    loggedAtMs: numberOf(notice, 'logged_ms'),
    mails: numberOf(notice, 'mails') ?? 0,
    mailedAtMs: numberOf(notice, 'mailed_ms'),
    triedAtMs: numberOf(notice, 'tried_ms'),
  };
}

function numberOf(row: SqliteRow, column: string): number | null {
  const value = row[column];
  return typeof value === 'number' ? value : null;
}
