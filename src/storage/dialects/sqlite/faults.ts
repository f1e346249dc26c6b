import { accessSync, constants, existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { errnoOf, messageOf, systemAdvice } from '../../../platform/errors/errors.ts';
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
  ['EISDIR', 'broken'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
]);

/** The advice about a file that another process has locked. */
export const lockAdvice =
  'Find the process with `fuser FILE`, and let it end: a backup, or a program that shows tables.';

/** Advice about a file, in place of that about a server. */
const fileAdvices: { readonly [Kind in FaultKind]?: string } = {
  contended: lockAdvice,
  denied: 'Let this account read and write the file, and make files in its folder.',
  lost: 'Check the path in <storage url>, its folder and its disk.',
  'read-only': 'Let this account write the file, and make files in its folder.',
};

/** The advice where the system tells why a file cannot be written, whoever owns it (access(2)). */
const writeAdvices: ReadonlyMap<string, string | undefined> = new Map([
  ['EROFS', systemAdvice.get('EROFS')],
  ['EPERM', 'It is marked as immutable: `lsattr FILE` shows it, and `chattr -i FILE` takes the mark away.'],
]);

/** Translates an error of SQLite or fs into a StorageFault that names the file. */
export function sqliteFault(thrown: unknown, path: string): StorageFault {
  if (thrown instanceof StorageFault) return thrown;
  const message = messageOf(thrown);
  const code = sqliteResultCode(thrown);
  const faultOf = (kind: FaultKind, words: string, cause = thrown): StorageFault =>
    new StorageFault(kind, words, cause, fileAdvices[kind]);
  if (code === null) {
    const kind = fileKind(thrown);
    const advice = ['denied', 'refused'].includes(kind) ? undefined : systemAdvice.get(errnoOf(thrown) ?? '');
    return new StorageFault(kind, `${path}: ${message}`, thrown, advice ?? fileAdvices[kind]);
  }
  if (/^no such (table|column)|has no column named/.test(message)) {
    return new StorageFault('schema', `${path}: ${message}`, thrown);
  }
  if (/^(table|index|view|duplicate column) .*(already exists|name)/.test(message)) {
    return new StorageFault('exists', message, thrown);
  }
  const reason = code === cannotOpen || code === readOnly ? whyNotOpened(path) : null;
  if (reason !== null) {
    // A file that is read-only can be read, whatever forbids to write it.
    const kind = code === readOnly ? 'read-only' : fileKind(reason);
    const advice = writeAdvices.get(errnoOf(reason) ?? '') ?? fileAdvices[kind];
    return new StorageFault(kind, `${path}: ${message}: ${messageOf(reason)}`, thrown, advice);
  }
  if (/^UNIQUE constraint failed/.test(message)) return new StorageFault('duplicate', `${path}: ${message}`, thrown);
  const kind = kinds.get(code) ?? 'refused';
  const cause = kind === 'lost' ? (noDescriptor() ?? thrown) : thrown;
  return faultOf(kind, kind === 'refused' ? message : `${path}: ${message}`, cause);
}

/** The code of SQLite for a file that it cannot open, or files beside it. */
const cannotOpen = 14;
/** The code of SQLite for a file that it may not write, or files beside it. */
const readOnly = 8;

/**
 * Returns the fault for which SQLite could not open a file, or make its log beside it; null if none is found. Opens
 * nothing: closing a file would end this process's locks on it.
 */
function whyNotOpened(path: string): unknown {
  try {
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (isFolder) return Object.assign(new Error('it is a folder'), { code: 'EISDIR', syscall: 'open' });
    // A link that leads nowhere is there. The files beside the database stand beside what a link names.
    const real = lstatSync(path, { throwIfNoEntry: false }) === undefined ? path : realpathSync(path);
    accessSync(dirname(real), constants.W_OK | constants.X_OK);
    for (const file of [real, `${real}-wal`, `${real}-shm`, `${real}-journal`]) {
      if (existsSync(file)) accessSync(file, constants.R_OK | constants.W_OK);
    }
    return null;
  } catch (thrown) {
    return thrown;
  }
}

function fileKind(thrown: unknown): FaultKind {
  if (!(thrown instanceof Error) || !('syscall' in thrown) || !('code' in thrown)) return 'refused';
  return fileKinds.get(errnoOf(thrown) ?? '') ?? 'lost';
}

/** True if the file does not exist. Throws StorageFault if this account may not look for it: it may exist then. */
export function isFileMissing(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) === undefined;
  } catch (thrown) {
    throw sqliteFault(thrown, file);
  }
}
