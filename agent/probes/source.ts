import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';

/** The files of a machine: /proc, /sys, /etc, /run, below a root that is '' on a client. Paths are given without it. */
export interface Source {
  readonly root: string;
  /** A file of /proc or /sys that the kernel keeps short; throws an Error whose message says why not. */
  read(path: string): string;
  /** The same; null when it is not there or cannot be read. */
  readOptional(path: string): string | null;
  /** At most so many bytes from the beginning of any file, without waiting for a pipe; throws as `read` does. */
  readStart(path: string, maxBytes: number): string;
  /** The names in a folder; none when it is not there or cannot be read. */
  list(path: string): string[];
  exists(path: string): boolean;
  /** The last part of what a symbolic link points to; null when it is none. */
  linkName(path: string): string | null;
}

/** The files below a root. */
export function openSource(root: string): Source {
  const readOptional = (path: string): string | null => {
    // Node needs ten times as long to throw an error as to see that a file is missing.
    if (!existsSync(root + path)) return null;
    try {
      return readFileSync(root + path, 'utf8');
    } catch {
      return null;
    }
  };
  return {
    root,
    readOptional,
    read: (path) => {
      try {
        return readFileSync(root + path, 'utf8');
      } catch (error) {
        throw new Error(faultOf(error, path), { cause: error });
      }
    },
    readStart: (path, maxBytes) => {
      try {
        return readStart(root + path, maxBytes);
      } catch (error) {
        throw new Error(faultOf(error, path), { cause: error });
      }
    },
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

/** Why a file could not be read, for people: `no permission: /proc/1/io`. */
export function faultOf(error: unknown, path: string): string {
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return `not there: ${path}`;
  if (code === 'EACCES' || code === 'EPERM') return `no permission: ${path}`;
  return `${code}: ${path}`;
}

/** The code of an error of the system: `ENOENT`; for other errors their message. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

function readStart(path: string, maxBytes: number): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const chunks: Buffer[] = [];
    let left = maxBytes;
    while (left > 0) {
      const chunk = Buffer.allocUnsafe(Math.min(left, 65_536));
      const count = readSync(file, chunk, 0, chunk.length, null);
      if (count === 0) break;
      chunks.push(chunk.subarray(0, count));
      left -= count;
    }
    return Buffer.concat(chunks).toString();
  } finally {
    closeSync(file);
  }
}
