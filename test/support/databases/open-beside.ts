import { openSqlite, type SqliteDatabase, type SqliteOptions } from '../../../src/platform/sqlite.ts';

/** Opens the SQLite file of a program that runs. A lock of the program is waited for, and not an immediate error. */
export function openBeside(file: string, options: SqliteOptions = {}): SqliteDatabase {
  const database = openSqlite(file, options);
  database.exec('PRAGMA busy_timeout = 60000');
  return database;
}
