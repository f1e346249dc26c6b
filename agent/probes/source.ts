import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';

/**
 * The files of a machine (/proc, /sys, /etc, /run) below a root, which is '' on a client. Paths do not include the
 * root.
 */
export interface Source {
  readonly root: string;
  /** Reads a short file of /proc or /sys. Throws an Error with the reason. */
  read(path: string): string;
  /** Reads a short file; null if it is missing or unreadable. */
  readOptional(path: string): string | null;
  /** Reads at most `maxBytes` from the start of any file, without waiting for a pipe. Throws like `read`. */
  readStart(path: string, maxBytes: number): string;
  /** Returns the names in a folder; an empty list if the folder is missing or unreadable. */
  list(path: string): string[];
  exists(path: string): boolean;
  /** Returns the last part of a symbolic link's target; null if the path is no link. */
  linkName(path: string): string | null;
}

/** Returns the files below a root. */
export function openSource(root: string): Source {
  const readOptional = (path: string): string | null => {
    // An error in Node takes ten times as long as this check for a missing file.
    if (!existsSync(root + path)) return null;
    try {
      return readFileSync(root + path, 'utf8');
    } catch {
      return null;
    }
  };
  const orFault = (path: string, read: (file: string) => string): string => {
    try {
      return read(root + path);
    } catch (error) {
      throw new Error(faultOf(error, path), { cause: error });
    }
  };
  return {
    root,
    readOptional,
    read: (path) => orFault(path, (file) => readFileSync(file, 'utf8')),
    readStart: (path, maxBytes) => orFault(path, (file) => readStart(file, maxBytes)),
    list: (path) => {
      try {
        return existsSync(root + path) ? readdirSync(root + path) : [];
      } catch {
        return [];
      }
    },
    exists: (path) => existsSync(root + path),
    linkName: (path) => {
      try {
        const target = readlinkSync(root + path);
        return target.slice(target.lastIndexOf('/') + 1);
      } catch {
        return null;
      }
    },
  };
}

/** Returns the reason why a file could not be read, for people: `no permission: /proc/1/io`. */
export function faultOf(error: unknown, path: string): string {
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return `not there: ${path}`;
  if (code === 'EACCES' || code === 'EPERM') return `no permission: ${path}`;
  return `${code}: ${path}`;
}

/** Returns the message of an error. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns the code of a system error (`ENOENT`), or the message of another error. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : messageOf(error);
}

function readStart(path: string, maxBytes: number): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const start = Buffer.allocUnsafe(maxBytes);
    return start.toString('utf8', 0, readSync(file, start));
  } finally {
    closeSync(file);
  }
}
