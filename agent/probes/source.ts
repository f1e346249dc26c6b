/**
 * The machine as probes read it. They read nothing else. Paths do not include the root of a fixture.
 */
export interface Source {
  /** Reads a short file of /proc or /sys. Throws an Error with the reason. */
  read(path: string): string;
  /** Reads a short file; null if it is missing or unreadable. */
  readOptional(path: string): string | null;
  /** Reads at most `maxBytes` from the start of any file, without waiting for a pipe. Throws like `read`. */
  readStart(path: string, maxBytes: number): string;
  /** Returns the names in a folder, or of its folders alone; an empty list if it is missing or unreadable. */
  list(path: string, kind?: 'folders'): string[];
  exists(path: string): boolean;
  /** True if the path is a folder, or lies in a folder that this account may not look into. */
  isFolder(path: string): boolean;
  /** Returns the last part of a symbolic link's target; null if the path is no link. */
  linkName(path: string): string | null;
  /** Returns the path without symbolic links; unchanged if it does not exist. */
  realPath(path: string): string;
  /** Returns the time of a file's last change in milliseconds since 1970; 0 for a missing file, NaN if unknown. */
  changedMs(path: string): number;
  /** Returns the space of a mount that cannot hang. Throws the error of statfs. */
  space(mount: string): Usage;
  readonly programs: Programs;
  /** null if nothing can be kept. */
  readonly notes: Notes | null;
  readonly reader: SourceReader;
}

/** The output of a program, and its exit status. */
export interface ProgramAnswer {
  readonly output: string;
  readonly status: number | null;
}

/** The answers of programs, each with a time limit. */
export interface Programs {
  /**
   * Returns the answer of a program, started by the words `under`. Throws an Error with the reason. `statuses` are
   * those of an answer.
   */
  run(
    program: string,
    args: readonly string[],
    deadlineMs: number,
    statuses?: readonly number[],
    under?: readonly string[],
  ): Promise<ProgramAnswer>;
  /** Asks mounts that may hang for their space. Those of `twoSized` have two block sizes. */
  askMounts(
    mounts: readonly string[],
    twoSized: readonly string[],
    leftMs: () => number,
  ): Promise<ReadonlyMap<string, MountAnswer>>;
  /**
   * Returns the answers of Docker and Podman about a path below `/containers/`, '' for one that has none; null if
   * nobody may be asked.
   */
  containers(what: string): Promise<readonly string[]> | null;
  /** Returns what log.awk prints of the new lines of the logs. Throws an Error with the reason. */
  log(asks: readonly string[], leftMs: () => number): Promise<string>;
}

/** Texts that the client keeps from one visit to the next. */
export interface Notes {
  /** Returns a note; null if there is none. */
  read(name: string): string | null;
  /** Keeps a note. An earlier one stays if the disk is full or read-only. */
  write(name: string, text: string): void;
  /** Returns the time since which notes are kept, in milliseconds since 1970. */
  sinceMs(): number;
  /** The names of what was kept and cannot be read. The report names them (`damagedReports`). */
  readonly faults: string[];
}

/** The reader of the machine: the clocks and the processor at the time of reading, and its own processes. */
export interface SourceReader {
  /** The reader's own processes, which no probe counts. */
  readonly pids: readonly number[];
  /** The name of the machine's processor, as in `uname -m`. */
  readonly architecture: string;
  /** Returns the size of a page; null if it is unknown. */
  pageBytes(): number | null;
  /** Returns milliseconds since 1970. */
  nowMs(): number;
  /** Returns CLOCK_MONOTONIC in seconds, which stops while the machine sleeps. */
  monotonicS(): number;
}

/** The result of statfs(2), in blocks of bsize bytes. */
export interface Usage {
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

/** The usage of a mount, or the reason why it is unknown. */
export type MountAnswer = { readonly usage: Usage } | { readonly unresponsive: boolean; readonly reason: string };

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
