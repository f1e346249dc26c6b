/**
 * The one class of error that people see. error-table.ts has the meaning of each code.
 *
 * A fault of one client ends as a row of `visits`; a fault of the run is thrown up to cli.ts, which prints one line.
 */

import { constants } from 'node:os';

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
    const own = ownLack(options.code, options.cause);
    const refused = own === null ? refusalIn(options) : undefined;
    const isUnnamed = options.code === 'internal' && refused !== undefined;
    this.code = own?.code ?? (isUnnamed ? 'system-refused' : options.code);
    const known = errorTable[this.code];
    this.stage = options.stage;
    this.client = client;
    this.retryable = options.retryable ?? known.retryable;
    this.advice = (own === null ? options.advice : own.advice) ?? refused ?? known.advice;
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

/** Returns the advice for what the system has refused where the code itself has none that is as exact. */
function refusalIn({ code, cause }: FleetErrorOptions): string | undefined {
  if (code === 'internal') return refusalOf(cause);
  // The advice of the code names owner and mode.
  const isOfRights = causesOf(cause).some((error) => ['EACCES', 'EPERM'].includes(errnoOf(error) ?? ''));
  return code === 'state-unusable' && !isOfRights ? refusalOf(cause) : undefined;
}

/** Returns the advice for what the system has refused; undefined for any other error. */
function refusalOf(thrown: unknown): string | undefined {
  for (const error of causesOf(thrown)) {
    if (lacksMemory(error)) return /WebAssembly/.test(error.message) ? wasmAdvice : systemAdvice.get('ENOMEM');
    const advice = systemAdvice.get(errnoOf(error) ?? '');
    if (advice !== undefined) return advice;
  }
  return undefined;
}

/** V8 reserves some 10 GB of addresses for each memory of WebAssembly, unless this option is set. */
const wasmAdvice =
  'Raise the limit of addresses: `ulimit -v`, LimitAS= of a unit; or set NODE_OPTIONS=--disable-wasm-trap-handler.';

/** The codes of errors that say that no memory is left: of libuv, Node.js, zlib and OpenSSL. */
const memoryCodes: ReadonlySet<string> = new Set([
  ...['ENOMEM', 'EAI_MEMORY', 'ERR_MEMORY_ALLOCATION_FAILED', 'ERR_WORKER_OUT_OF_MEMORY', 'ERR_WORKER_INIT_FAILED'],
  ...['Z_MEM_ERROR', 'ERR_OSSL_MALLOC_FAILURE', 'ERR_OSSL_EVP_MALLOC_FAILURE'],
]);
/** The texts of V8, WebAssembly and SQLite, which have no code for it. */
const memoryWords = /\bout of memory\b|\ballocation failed\b|\b(?:could not|cannot|failed to) allocate\b/i;

/** True if an error of this process says that no memory is left. A FleetError may have a machine's words. */
export function lacksMemory(thrown: unknown): thrown is Error {
  if (!(thrown instanceof Error) || thrown instanceof FleetError) return false;
  return memoryCodes.has(errnoOf(thrown) ?? '') || memoryWords.test(thrown.message);
}

/** The most errors that are looked through for the first cause. */
const maxCauses = 8;

/** Returns an error and its causes, as far as they are errors. The attempts of one connection count as causes. */
function causesOf(thrown: unknown): readonly Error[] {
  const found: Error[] = [];
  const left: unknown[] = [thrown];
  while (left.length > 0 && found.length < maxCauses) {
    const next = left.shift();
    if (!(next instanceof Error)) continue;
    found.push(next);
    left.push(next.cause);
    if (next instanceof AggregateError) for (const one of next.errors.slice(0, maxCauses)) left.push(one);
  }
  return found;
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

/**
 * The errors of Linux for which Node.js has no name, as errors of quotas, NFS, encrypted homes and damaged disks: it
 * calls them `Unknown system error -122`. The numbers are those of this machine.
 */
const unnamedErrors: ReadonlyMap<string, { readonly name: string; readonly words: string }> = new Map(
  (
    [
      ['EDQUOT', 122, 'disk quota exceeded'],
      ['ESTALE', 116, 'stale file handle'],
      ['EUCLEAN', 117, 'structure needs cleaning'],
      ['ENOLCK', 37, 'no locks available'],
      ['EREMOTEIO', 121, 'remote I/O error'],
      ['ENOKEY', 126, 'required key not available'],
      ['EKEYEXPIRED', 127, 'key has expired'],
      ['EKEYREVOKED', 128, 'key has been revoked'],
      ['EHWPOISON', 133, 'memory page has hardware error'],
      ['ENOMEDIUM', 123, 'no medium found'],
    ] as const
  ).map(([name, number, words]) => {
    const known: Readonly<Record<string, number | undefined>> = constants.errno;
    return [`Unknown system error -${known[name] ?? number}`, { name, words }];
  }),
);

/** Replaces what Node.js calls an error without a name by its name and the words of Linux. */
function namedErrors(text: string): string {
  return text.replace(/(Unknown system error -\d+)(?:: \1)?/g, (whole, unknown: string) => {
    const error = unnamedErrors.get(unknown);
    return error === undefined ? whole : `${error.name}: ${error.words}`;
  });
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
  ['EIO', 'the disk does not read or write it (EIO); see dmesg'],
  ['EUCLEAN', 'its file system is damaged (EUCLEAN); see dmesg'],
  ['ETXTBSY', 'a running program is being written there, or a written file is run (ETXTBSY)'],
  ['ENOSPC', 'its disk is full'],
  ['EDQUOT', 'the disk quota of its owner is used up'],
  ['ESTALE', 'its network file system has lost it (ESTALE); mount that again'],
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

/**
 * The codes of faults of this machine, which no client is to blame for: a visit that ends with one of them says nothing
 * about its client.
 */
export const ownFaultCodes: readonly string[] = [
  ...(['descriptors-exhausted', 'collector-fault', 'system-refused'] satisfies ErrorCode[]),
  ...(['spool-full', 'state-unusable'] satisfies ErrorCode[]),
];

/** True if the code of a visit is that of a fault of the collector's own machine. */
export function isOwnFault(code: string | null): boolean {
  return code !== null && ownFaultCodes.includes(code);
}

/** The codes that say more than the lack that caused them: of the run, of the command line, of a key or a report. */
const sayMore: ReadonlySet<ErrorCode> = new Set(['usage', 'locked', 'interrupted', 'run-deadline', 'visit-deadline']);
/** The codes of a connection or of a started program. */
const connectCodes: ReadonlySet<ErrorCode> = new Set([
  ...(['dns', 'connect-failed', 'channel-failed', 'bastion-failed', 'event-unsent'] as const),
]);

/**
 * Returns the fault of this machine that caused another one, which neither the client nor the file is to blame for: no
 * descriptor, memory or process is left. Returns null for other faults. `advice` is more exact than the table's.
 */
function ownLack(code: ErrorCode, cause: unknown): { readonly code: ErrorCode; readonly advice?: string } | null {
  if (sayMore.has(code)) return null;
  for (const error of causesOf(cause)) {
    if (error instanceof FleetError) {
      const isOwn = error.code === 'descriptors-exhausted' || error.code === 'collector-fault';
      // Whoever stands on a machine that was not reached was not reached either.
      if (isOwn && connectCodes.has(code)) return error;
    } else if (lacksDescriptors(error)) {
      return code === 'descriptors-exhausted' ? null : { code: 'descriptors-exhausted' };
    } else if (connectCodes.has(code) && (lacksMemory(error) || ['ENOBUFS', 'EAGAIN'].includes(errnoOf(error) ?? ''))) {
      return { code: 'collector-fault' };
    }
  }
  return null;
}

/** True if no file or socket can be opened, for want of descriptors. */
export function lacksDescriptors(thrown: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(errnoOf(thrown) ?? '');
}

/** Returns the message of anything that was thrown, on one line, with the limit at which a program was not started. */
export function messageOf(thrown: unknown): string {
  // A refused connection to a name of several addresses has a code and no message.
  const text = thrown instanceof Error ? thrown.message || (errnoOf(thrown) ?? thrown.name) : String(thrown);
  const isStart = thrown instanceof Error && 'syscall' in thrown && String(thrown.syscall).startsWith('spawn');
  const limit = lacksDescriptors(thrown) ? 'ulimit -n' : errnoOf(thrown) === 'EAGAIN' ? 'ulimit -u' : null;
  const hint = isStart && limit !== null ? `: the limit of ${limit} is reached` : '';
  // Compilers to WebAssembly add words for programmers.
  const plain = namedErrors(text).replace(/^abort\((.*)\)\. Build with .* for more info\.?$/s, '$1');
  // Node.js names the local address of a connection that never had one.
  return (
    plain
      .replace(/\s+/g, ' ')
      .trim()
      .replace(/ - Local \(undefined:undefined\)$/, '') + hint
  );
}

/** Returns the code of a system error, such as `ENOENT`. Returns null for any other error. */
export function errnoOf(thrown: unknown): string | null {
  if (!(thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string')) return null;
  return unnamedErrors.get(thrown.code)?.name ?? thrown.code;
}
