import { statSync } from 'node:fs';

import { messageOf } from '../../../platform/errors/errors.ts';
import { noDescriptor, sqliteResultCode } from '../../../platform/sqlite.ts';
import { StorageFault, type FaultKind } from '../../sql/fault.ts';

/** Primary result codes: https://sqlite.org/rescode.html */
const kinds: ReadonlyMap<number, FaultKind> = new Map([
  [3, 'denied'], // PERM
  [5, 'contended'], // BUSY
  [6, 'contended'], // LOCKED
  [7, 'lost'], // NOMEM
  [8, 'read-only'], // READONLY
  [10, 'lost'], // IOERR
  [11, 'damaged'], // CORRUPT
  [13, 'full'], // FULL
  [14, 'lost'], // CANTOPEN
  [15, 'lost'], // PROTOCOL
  [17, 'contended'], // SCHEMA
  [21, 'broken'], // MISUSE
  [23, 'denied'], // AUTH
  [26, 'damaged'], // NOTADB
]);

const fileKinds: ReadonlyMap<string, FaultKind> = new Map([
  ['EACCES', 'denied'],
  ['EPERM', 'denied'],
  ['EROFS', 'read-only'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
]);

/** Translates an error of SQLite or fs into a StorageFault that names the file. */
export function sqliteFault(thrown: unknown, path: string): StorageFault {
  if (thrown instanceof StorageFault) return thrown;
  const message = messageOf(thrown);
  const code = sqliteResultCode(thrown);
  if (code === null) return new StorageFault(fileKind(thrown), `${path}: ${message}`, thrown);
  if (/^no such (table|column)|has no column named/.test(message)) {
    return new StorageFault('schema', `${path}: ${message}`, thrown);
  }
  if (/^(table|index|view|duplicate column) .*(already exists|name)/.test(message)) {
    return new StorageFault('exists', message, thrown);
  }
  if (/^UNIQUE constraint failed/.test(message)) return new StorageFault('duplicate', `${path}: ${message}`, thrown);
  const kind = kinds.get(code) ?? 'refused';
  const cause = kind === 'lost' ? (noDescriptor() ?? thrown) : thrown;
  return new StorageFault(kind, kind === 'refused' ? message : `${path}: ${message}`, cause);
}

function fileKind(thrown: unknown): FaultKind {
  if (!(thrown instanceof Error) || !('syscall' in thrown) || !('code' in thrown)) return 'refused';
  return fileKinds.get(String(thrown.code)) ?? 'lost';
}

/** True if the file does not exist. Throws StorageFault if this account may not look for it: it may exist then. */
export function isFileMissing(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) === undefined;
  } catch (thrown) {
    throw sqliteFault(thrown, file);
  }
}
