/**
 * The one class of error that people see. error-table.ts has the meaning of each code.
 *
 * A fault of one client ends as a row of `visits`; a fault of the run is thrown up to cli.ts, which prints one line.
 */

import { errorTable, type ErrorCode } from './error-table.ts';
import { withoutSecrets } from './revealed-secrets.ts';

export { errorTable, type ErrorCode };

/** The stage of a run or visit at which something went wrong. */
export type Stage = (typeof stages)[number];
export const stages = [
  ...(['usage', 'config', 'lock', 'keys', 'run', 'resolve', 'connect', 'handshake', 'login', 'channel'] as const),
  ...(['upload', 'agent', 'report', 'seal', 'spool', 'storage', 'mail'] as const),
] as const;

export interface FleetErrorOptions {
  readonly code: ErrorCode;
  readonly stage: Stage;
  /** A line without secrets: the attempt, the other side, and its answer. */
  readonly message: string;
  readonly client?: string | null | undefined;
  /** Overrides the table if this case differs. */
  readonly retryable?: boolean;
  /** Advice that is more exact than the table's: a whole command, for instance. */
  readonly advice?: string | null | undefined;
  readonly cause?: unknown;
}

/** The error that people see: code, stage and advice. */
export class FleetError extends Error {
  override readonly name = 'FleetError';
  readonly code: ErrorCode;
  readonly stage: Stage;
  readonly client: string | null;
  readonly retryable: boolean;
  readonly advice: string;
  readonly exitStatus: 1 | 2 | 3;

  constructor(options: FleetErrorOptions) {
    const client = options.client ?? null;
    // The message may contain text from a machine.
    const message = client === null ? options.message : withoutSecrets(options.message);
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const own = ownFault(options.code, options.cause);
    const refused = own === null && options.code === 'internal' ? refusalOf(options.cause) : undefined;
    this.code = own ?? (refused === undefined ? options.code : 'system-refused');
    const known = errorTable[this.code];
    this.stage = options.stage;
    this.client = client;
    this.retryable = options.retryable ?? known.retryable;
    this.advice = options.advice ?? refused ?? known.advice;
    this.exitStatus = known.exitStatus;
  }
}

const makeRoom = 'Make room there, or raise the quota of this account.';
const letWrite = 'Let this account read and write there.';
const namePath = 'Name another path.';

/** The advice after a system call has failed, by its code: none of these is a fault of the program. */
export const systemAdvice: ReadonlyMap<string, string> = new Map([
  ...['ENOSPC', 'EDQUOT', 'EFBIG', 'EMLINK'].map((errno) => [errno, makeRoom] as const),
  ...['EACCES', 'EPERM'].map((errno) => [errno, letWrite] as const),
  ...['ENAMETOOLONG', 'ELOOP', 'EISDIR', 'ENOTDIR', 'EXDEV'].map((errno) => [errno, namePath] as const),
  ['EROFS', 'Mount its file system writable, or name another path.'],
  ['EIO', 'The disk has a fault: look at the log of the kernel (dmesg).'],
  ['ESTALE', 'Mount its network file system again.'],
  ['ETXTBSY', 'A running program has this file: try again once it has ended.'],
  ['EBUSY', 'Another program has it: try again once that has ended.'],
  ['ENOMEM', 'Give it more memory: `ulimit -v`, or MemoryMax= of a unit.'],
  ['EAGAIN', 'Raise the limit of processes: `ulimit -u`, or TasksMax= of a unit.'],
]);

/** Returns the advice for what the system has refused; undefined for any other error. */
function refusalOf(thrown: unknown): string | undefined {
  // V8 has no code for it, and WebAssembly a message of its own.
  const isMemory = thrown instanceof RangeError && /out of memory|allocation failed/i.test(thrown.message);
  return systemAdvice.get(isMemory ? 'ENOMEM' : (errnoOf(thrown) ?? ''));
}

/** Returns a fault with some facts replaced. The given fault is its cause. */
export function changedFault(fault: FleetError, changes: Partial<FleetErrorOptions>): FleetError {
  const { code, stage, message, client, retryable, advice } = fault;
  return new FleetError({ code, stage, message, client, retryable, advice, cause: fault, ...changes });
}

/** Returns the error of a wrong command line. `advice` names the form to write instead. */
export function usageError(message: string, advice?: string): FleetError {
  return new FleetError({ code: 'usage', stage: 'usage', message, advice });
}

/** Returns the error of a file that a command line names and that cannot be written. */
export function unwritableError(file: string, thrown: unknown): FleetError {
  const why = fileFault(thrown, 'its folder');
  return usageError(`${file} cannot be written: ${why}`, 'Name a file in a folder that can be written.');
}

/** The reasons why a file cannot be used, by the code of a system error. */
const fileFaults: ReadonlyMap<string, string> = new Map([
  ['EISDIR', 'it is a folder, and a file is needed'],
  ['ENOTDIR', 'a part of its path is no folder'],
  ['EACCES', 'this account may not'],
  ['EPERM', 'this account may not'],
  ['ELOOP', 'it is a symbolic link that leads in a circle'],
  ['ENAMETOOLONG', 'its name is too long'],
  ['EROFS', 'its file system is mounted read-only'],
]);

/**
 * Returns the reason why a file or folder that somebody named cannot be used, in words that follow "cannot be read: ".
 * `missing` is what does not exist, in the words of the message; default: the file or folder itself.
 */
export function fileFault(thrown: unknown, missing = 'it'): string {
  const errno = errnoOf(thrown) ?? '';
  return errno === 'ENOENT' ? `${missing} does not exist` : (fileFaults.get(errno) ?? messageOf(thrown));
}

/** Returns a FleetError unchanged, and wraps anything else that was thrown with the given code. */
export function asFleetError(thrown: unknown, fallback: Omit<FleetErrorOptions, 'message' | 'cause'>): FleetError {
  if (thrown instanceof FleetError) return thrown;
  return new FleetError({ ...fallback, message: messageOf(thrown), cause: thrown });
}

/** The codes that a system error of this machine may hide behind: a file, a socket, a lookup, or a started program. */
const hidingCodes: ReadonlySet<string> = new Set([
  ...['internal', 'state-unusable', 'spool-full', 'dns', 'connect-failed', 'channel-failed', 'agent-failed'],
]);
/** The codes of a connection or of a started program. */
const connectCodes: ReadonlySet<string> = new Set(['dns', 'connect-failed', 'channel-failed']);

/**
 * Returns the code of a fault of this machine, which neither the client nor the file is to blame for: no descriptor,
 * memory or process is left. Returns null for other faults.
 */
function ownFault(code: ErrorCode, cause: unknown): ErrorCode | null {
  if (!hidingCodes.has(code)) return null;
  if (lacksDescriptors(cause)) return 'descriptors-exhausted';
  const lacks = ['ENOMEM', 'ENOBUFS', 'EAGAIN', 'EAI_MEMORY'].includes(errnoOf(cause) ?? '');
  return lacks && connectCodes.has(code) ? 'collector-fault' : null;
}

function lacksDescriptors(thrown: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(errnoOf(thrown) ?? '');
}

/** Returns the message of anything that was thrown, on one line, with the limit at which a program was not started. */
export function messageOf(thrown: unknown): string {
  // A refused connection to a name of several addresses has a code and no message.
  const text = thrown instanceof Error ? thrown.message || (errnoOf(thrown) ?? thrown.name) : String(thrown);
  const isStart = thrown instanceof Error && 'syscall' in thrown && String(thrown.syscall).startsWith('spawn');
  const limit = lacksDescriptors(thrown) ? 'ulimit -n' : errnoOf(thrown) === 'EAGAIN' ? 'ulimit -u' : null;
  const hint = isStart && limit !== null ? `: the limit of ${limit} is reached` : '';
  return text.replace(/\s+/g, ' ').trim() + hint;
}

/** Returns the code of a system error, such as `ENOENT`. Returns null for any other error. */
export function errnoOf(thrown: unknown): string | null {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null;
}
