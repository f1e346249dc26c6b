import { existsSync, rmSync } from 'node:fs';

import { openSqlite, sqliteResultCode, type SqliteDatabase, type SqliteRow } from '../platform/sqlite.ts';
import { dayMs } from '../platform/units.ts';
import type { StatePaths } from '../state-folder/paths.ts';

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
  /** The end of the outage; null while it lasts. The state is kept until every notified recipient knows the end. */
  readonly endedMs: number | null;
  /** The programs that the outage stops. */
  readonly programs: readonly string[];
  /** The time of the last line on stderr; null if there was none. */
  readonly loggedAtMs: number | null;
  /** The recipients that were notified, or that a mail was tried for. */
  readonly recipients: ReadonlyMap<string, AwayRecipient>;
}

/** The mails of one outage to one recipient. */
export interface AwayRecipient {
  /** The beginning of the outage that the recipient was notified of; null if the recipient was not notified. */
  readonly sinceMs: number | null;
  /** The number of mails that were delivered. */
  readonly mails: number;
  readonly mailedAtMs: number | null;
  /** The time of the last attempt if no mail was delivered since; else null. */
  readonly triedAtMs: number | null;
  /** The number of permanent refusals since the last delivered mail. */
  readonly refusals: number;
}

/** A recipient of no mail. */
export const unknownRecipient: AwayRecipient = {
  sinceMs: null,
  mails: 0,
  mailedAtMs: null,
  triedAtMs: null,
  refusals: 0,
};

/** A read-modify-write under the file's lock. */
export type AwayChange = ReturnType<typeof changeOf>;

/** A program that has not reported the outage for this long no longer runs. */
const staleMs = 8 * dayMs;

// The file is created before an outage, with room for recipients, and changed in place with the rollback journal in
// memory. It therefore works on a full disk, which is a common cause of an outage. A crash during a write loses at most
// this file.
const roomBytes = 64 * 1024;
const schemaSql = [
  'CREATE TABLE IF NOT EXISTS programs (program TEXT PRIMARY KEY, since_ms INTEGER, seen_ms INTEGER)',
  `CREATE TABLE IF NOT EXISTS outage (one INTEGER PRIMARY KEY CHECK (one = 1), since_ms INTEGER, logged_ms INTEGER,
    ended_ms INTEGER)`,
  `CREATE TABLE IF NOT EXISTS recipients (recipient TEXT PRIMARY KEY, since_ms INTEGER, mails INTEGER NOT NULL,
    mailed_ms INTEGER, tried_ms INTEGER, refusals INTEGER NOT NULL)`,
  'INSERT OR IGNORE INTO outage (one) VALUES (1)',
  "INSERT OR IGNORE INTO programs (program) VALUES ('collect'), ('alert')",
] as const;
const roomSql = [
  'CREATE TABLE room (bytes BLOB)',
  `INSERT INTO room VALUES (zeroblob(${roomBytes}))`,
  'DROP TABLE room',
] as const;

/** Creates the file if it is missing. Throws SQLite's errors. */
export function makeAwayState(file: string): void {
  if (!existsSync(file)) changeAwayState(file, () => undefined);
}

/** SQLite's codes for a file that is damaged, is no database, or has other tables. */
const unusableCodes: readonly (number | null)[] = [1, 11, 26];

/**
 * Runs work in an exclusive transaction. Creates the file if it is missing, and again if it holds no such state. Throws
 * SQLite's errors.
 */
export function changeAwayState<T>(file: string, work: (change: AwayChange) => T): T {
  try {
    return changeFile(file, work);
  } catch (thrown) {
    if (!unusableCodes.includes(sqliteResultCode(thrown))) throw thrown;
    rmSync(file);
    return changeFile(file, work);
  }
}

function changeFile<T>(file: string, work: (change: AwayChange) => T): T {
  const isNew = !existsSync(file);
  const database = openSqlite(file);
  try {
    // The other program holds the lock for a few milliseconds.
    database.exec('PRAGMA busy_timeout = 2000');
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN IMMEDIATE');
    for (const sql of isNew ? [...schemaSql, ...roomSql] : schemaSql) database.exec(sql);
    // Fails for tables of another form before anything is changed.
    readState(database);
    const result = work(changeOf(database));
    database.exec('COMMIT');
    return result;
  } finally {
    database.close();
  }
}

function changeOf(database: SqliteDatabase) {
  const run = (sql: string, ...values: (number | string | null)[]): void => void database.prepare(sql).run(...values);
  return {
    get state(): AwayState {
      return readState(database);
    },
    seen: (program: string, atMs: number): void => {
      run('UPDATE programs SET since_ms = NULL WHERE seen_ms < ? OR since_ms > ?', atMs - staleMs, atMs);
      run('UPDATE programs SET since_ms = COALESCE(since_ms, ?), seen_ms = ? WHERE program = ?', atMs, atMs, program);
      // The end of an earlier outage may still be due: then this is another outage.
      run('UPDATE outage SET since_ms = NULL, logged_ms = NULL, ended_ms = NULL WHERE ended_ms IS NOT NULL');
      run('UPDATE outage SET since_ms = CASE WHEN since_ms <= ? THEN since_ms ELSE ? END', atMs, atMs);
    },
    gone: (program: string): void =>
      run('UPDATE programs SET since_ms = NULL, seen_ms = NULL WHERE program = ?', program),
    logged: (atMs: number): void => run('UPDATE outage SET logged_ms = ?', atMs),
    /** Records the end of the outage. */
    ended: (atMs: number): void => run('UPDATE outage SET ended_ms = COALESCE(ended_ms, ?)', atMs),
    /** Stores what is known of a recipient; null removes the recipient. */
    keep: (recipient: string, known: AwayRecipient | null): void => {
      run('DELETE FROM recipients WHERE recipient = ?', recipient);
      if (known === null) return;
      const { sinceMs, mails, mailedAtMs, triedAtMs, refusals } = known;
      const sql = 'INSERT INTO recipients VALUES (?, ?, ?, ?, ?, ?)';
      run(sql, recipient, sinceMs, mails, mailedAtMs, triedAtMs, refusals);
    },
    /** Clears the state after an outage. */
    forget: (): void => {
      run('UPDATE outage SET since_ms = NULL, logged_ms = NULL, ended_ms = NULL');
      run('DELETE FROM recipients');
    },
  };
}

function readState(database: SqliteDatabase): AwayState {
  const outage = database.prepare('SELECT * FROM outage WHERE one = 1').get() ?? {};
  const programs = database.prepare('SELECT program FROM programs WHERE since_ms IS NOT NULL ORDER BY program').all();
  const recipients = database.prepare('SELECT * FROM recipients ORDER BY recipient').all();
  return {
    sinceMs: numberOf(outage, 'since_ms'),
    endedMs: numberOf(outage, 'ended_ms'),
    programs: programs.map((row) => String(row['program'])),
    loggedAtMs: numberOf(outage, 'logged_ms'),
    recipients: new Map(recipients.map((row) => [String(row['recipient']), awayRecipient(row)] as const)),
  };
}

function awayRecipient(row: SqliteRow): AwayRecipient {
  return {
    sinceMs: numberOf(row, 'since_ms'),
    mails: numberOf(row, 'mails') ?? 0,
    mailedAtMs: numberOf(row, 'mailed_ms'),
    triedAtMs: numberOf(row, 'tried_ms'),
    refusals: numberOf(row, 'refusals') ?? 0,
  };
}

function numberOf(row: SqliteRow, column: string): number | null {
  const value = row[column];
  return typeof value === 'number' ? value : null;
}
