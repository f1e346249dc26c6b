/** The machine on which this program runs, or a folder with files of another one. */
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { basename } from 'node:path';

import { faultOf, type Notes, type Source } from '../probes/source.ts';
import { isWritten } from '../start/private-file.ts';
import { containersAt } from './container-sockets.ts';
import { outputOf } from './output-of.ts';
import { pageBytes } from './page-bytes.ts';
import { readLog } from './read-log.ts';

/** The machine names of `uname -m`, for kernels before 6.1. node:os has them as well, but takes time to load. */
const machines: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i686', arm: 'armv7l' };
/** The read options as an object, because Node creates one from a bare encoding at every call. */
const asText = { encoding: 'utf8' } as const;

/** Returns the machine below a root, with notes in a private folder; null if nothing can be kept. */
export function openSource(root: string, placeDir: string | null = null): Source {
  const orFault = (path: string, read: (file: string) => string): string => {
    try {
      return read(root + path);
    } catch (error) {
      throw new Error(faultOf(error, path), { cause: error });
    }
  };
  const status = (path: string) => statSync(root + path, { throwIfNoEntry: false });
  const notes: Notes | null =
    placeDir === null
      ? null
      : {
          read: (name) => readOptional(`${placeDir}/${name}`),
          write: (name, text) => void isWritten(placeDir, name, Buffer.from(text), false),
          sinceMs: () => statSync(placeDir).birthtimeMs,
        };
  return {
    readOptional: (path) => readOptional(root + path),
    read: (path) => orFault(path, (file) => readFileSync(file, asText)),
    readStart: (path, maxBytes) => orFault(path, (file) => readStart(file, maxBytes)),
    list: (path) => (existsSync(root + path) ? orElse([], () => readdirSync(root + path)) : []),
    exists: (path) => existsSync(root + path),
    isFolder: (path) => orElse(true, () => status(path)?.isDirectory() ?? false),
    linkName: (path) => orElse(null, () => basename(readlinkSync(root + path))),
    realPath: (path) => orElse(path, () => realpathSync(root + path).slice(root.length)),
    changedMs: (path) => orElse(0, () => status(path)?.mtimeMs ?? 0),
    space: (mount) => statfsSync(bytesOf(root + mount)),
    programs: {
      run: (program, args, deadlineMs, statuses, under = []) => {
        const [file = '', ...words] = [...under, root + program, ...args];
        return outputOf(file, words, deadlineMs, process.env, statuses);
      },
      askMounts: async (mounts, twoSized, leftMs) => {
        // The module is loaded here, because most clients have no such mount.
        const { askMounts } = await import('./network-mounts.ts');
        return askMounts({ root, placeDir, mounts, twoSized, leftMs });
      },
      containers: () => containersAt(root),
      log: (asks, leftMs) => {
        const bootId = readOptional(`${root}/proc/sys/kernel/random/boot_id`) ?? '';
        return readLog({ root, bootId, notes, asks, leftMs });
      },
    },
    notes,
    reader: {
      pids: [process.pid],
      architecture: machines[process.arch] ?? process.arch,
      pageBytes: () => pageBytes(root),
      nowMs: Date.now,
      monotonicS: () => Number(process.hrtime.bigint()) / 1e9,
    },
  };
}

function readOptional(file: string): string | null {
  // An error in Node takes ten times as long as this check for a missing file.
  return existsSync(file) ? orElse(null, () => readFileSync(file, asText)) : null;
}

/** Returns the result; another value if there is an error. */
function orElse<T>(other: T, read: () => T): T {
  try {
    return read();
  } catch {
    return other;
  }
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

/** Returns the bytes of a path that is not UTF-8, by the names in its folders; any other path unchanged. */
function bytesOf(path: string): string | Buffer {
  if (!path.includes('\ufffd')) return path;
  const slash = path.lastIndexOf('/');
  const folder = Buffer.from(bytesOf(path.slice(0, slash)));
  const entries = readdirSync(slash > 0 ? folder : '/', 'buffer');
  const name = entries.find((entry) => entry.toString() === path.slice(slash + 1)) ?? '?';
  return Buffer.concat([folder, Buffer.from('/'), Buffer.from(name)]);
}
