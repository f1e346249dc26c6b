/** agent/live: the machine on which the agent runs: files, programs, mounts. */

/** The machine on which this program runs, or a folder with files of another one. */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  statfsSync,
} from 'node:fs';
import { basename } from 'node:path';
import { logPositionName } from '../probes/log.ts';

import { type Notes, type Source, faultOf, messageOf } from '../probes/source.ts';
import { isWritten } from '../start/private-file.ts';
import { outputOf } from './output-of.ts';
import { pageBytes } from './page-bytes.ts';

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
          faults: [],
        };
  return {
    readOptional: (path) => readOptional(root + path),
    read: (path) => orFault(path, (file) => readFileSync(file, asText)),
    readStart: (path, maxBytes) => orFault(path, (file) => readStart(file, maxBytes)),
    list: (path, kind) =>
      existsSync(root + path) ? orElse([], () => (kind ? foldersIn(root + path) : readdirSync(root + path))) : [],
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
        return askMounts({ root, placeDir, faults: notes?.faults, mounts, twoSized, leftMs });
      },
      containers: (what) => containersAt(root, what),
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

function foldersIn(path: string): string[] {
  // The kernel counts the folders in a folder of cgroups. Reading a folder takes ten times as long.
  if (statSync(path).nlink === 2) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

const maxAnswerChars = 4 * 1024 * 1024;
const answerMs = 1000;
/** The most sockets that are asked. */
const maxSockets = 8;

/**
 * Asks Docker and Podman about containers: those of the machine, and those of users. Returns null without a socket that
 * this account may use. An account that may open Docker's socket is as powerful as root.
 */
function containersAt(root: string, what: string): Promise<readonly string[]> | null {
  const users = existsSync(`${root}/run/user`) ? orElse([], () => readdirSync(`${root}/run/user`).sort()) : [];
  const paths = ['', ...users.map((user) => `/user/${user}`)].flatMap((at) => [
    `${root}/run${at}/docker.sock`,
    `${root}/run${at}/podman/podman.sock`,
  ]);
  // The package podman-docker makes one a link to the other.
  const sockets = [...new Set(paths.filter(isOpen).map((path) => realpathSync(path)))].slice(0, maxSockets);
  return sockets.length === 0 ? null : Promise.all(sockets.map((socket) => answerOf(socket, what)));
}

function isOpen(socket: string): boolean {
  if (!existsSync(socket)) return false;
  return orElse(false, () => {
    accessSync(socket, constants.R_OK | constants.W_OK);
    return true;
  });
}

async function answerOf(socket: string, what: string): Promise<string> {
  const { connect } = await import('node:net');
  return new Promise((resolve) => {
    let answer = '';
    const connection = connect(socket);
    const end = (): void => {
      clearTimeout(timer);
      connection.destroy();
      resolve(/^HTTP\S+ 200/.test(answer) ? answer.slice(answer.indexOf('\r\n\r\n') + 4) : '');
    };
    const timer = setTimeout(end, answerMs);
    connection.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
      if (answer.length > maxAnswerChars) end();
    });
    connection.on('error', end).on('end', end);
    // HTTP/1.0 has neither chunks nor a connection that stays.
    connection.write(`GET /containers/${what} HTTP/1.0\r\nHost: localhost\r\n\r\n`);
  });
}

/** The share of the time for awk; the rest is for its answer. */
const awkShare = 0.9;
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Bounds the memory of awk to 128 MiB and its CPU time to 5 s, as agent/capture/agent.sh does. */
const script = 'ulimit -S -v 131072; ulimit -S -t 5; exec awk "$1"';
/** The line behind a position whose lines the previous visit could not read. */
const failed = 'failed';

interface ReadLogOptions {
  readonly root: string;
  readonly bootId: string;
  readonly notes: Notes | null;
  readonly asks: readonly string[];
  readonly leftMs: () => number;
}

/** Returns what log.awk prints of the new lines of the logs. Throws an Error with the reason. */
async function readLog({ root, bootId, notes, asks, leftMs }: ReadLogOptions): Promise<string> {
  // Without a position this visit begins at the end.
  const [position = '', state] = (notes?.read(logPositionName) ?? '').split('\n');
  const keep = (text: string): void => notes?.write(logPositionName, `${text}\n`);
  try {
    const environment = {
      PATH: `${process.env['PATH'] ?? ''}:${path}`,
      LC_ALL: 'C',
      fh_root: root,
      fh_asks: asks.join('\n'),
      fh_log: position.trim(),
      fh_boot: bootId.trim(),
    };
    // The module is loaded here, because it is a tenth of the agent.
    const { logProgram } = await import('../../src/report/log-program.ts');
    const args = ['-c', script, 'sh', logProgram];
    const { output } = await outputOf('/bin/sh', args, awkShare * leftMs(), environment);
    keep(/^next (.*)$/m.exec(output)?.[1] ?? '');
    return output;
  } catch (error) {
    // The next visit reads these lines. If they are too much for it as well, the one after it begins at the end.
    const isSkipped = state === failed && position !== '';
    keep(isSkipped || position === '' ? '' : `${position}\n${failed}`);
    throw isSkipped ? new Error(`${messageOf(error)}; the lines until now are skipped`) : error;
  }
}
