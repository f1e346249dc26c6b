/** src/storage/dialects/sqlite: SQLite. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { isSqliteBusy, openSqlite } from '../../../platform/sqlite.ts';
import { sqliteFault } from './faults.ts';

export interface BackUpOptions {
  /** The database, in use or not. */
  readonly source: string;
  /** The path of the copy. The file must not exist; its folder must. */
  readonly target: string;
  readonly signal: AbortSignal;
}

/** The number of attempts to get another process's lock. */
const lockAttempts = 100;
const lockPauseMs = 100;

/**
 * Writes the database as it is at one moment to another file, 0600, while other processes go on writing (VACUUM INTO,
 * https://sqlite.org/lang_vacuum.html). The file appears once it is whole and on the disk; it needs no file beside it.
 * SQLite copies without a pause and blocks this process meanwhile. Returns the size in bytes. Throws EEXIST and other
 * errors of fs about the target, StorageFault about the source.
 */
export async function backUpSqlite({ source, target, signal }: BackUpOptions): Promise<number> {
  const dir = path.dirname(target);
  const part = path.join(dir, `.${path.basename(target)}.${randomBytes(6).toString('hex')}.part`);
  // SQLite accepts an empty file. Created here, the file is private from the beginning.
  closeSync(openSync(part, 'wx', 0o600));
  try {
    await copy(source, part, signal);
    flush(part);
    // Unlike a rename, a link never replaces a file.
    linkSync(part, target);
  } finally {
    rmSync(part);
  }
  flush(dir);
  return statSync(target).size;
}

async function copy(source: string, part: string, signal: AbortSignal): Promise<void> {
  let database;
  try {
    database = openSqlite(source, { readOnly: true });
    for (let attempt = 1; ; attempt += 1) {
      try {
        database.prepare('VACUUM INTO ?').run(part);
        return;
      } catch (thrown) {
        if (!isSqliteBusy(thrown) || attempt === lockAttempts) throw thrown;
      }
      await sleep(lockPauseMs, undefined, { signal });
    }
  } catch (thrown) {
    signal.throwIfAborted();
    throw sqliteFault(thrown, source);
  } finally {
    database?.close();
  }
}

function flush(file: string): void {
  const handle = openSync(file, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
