import type { ChildProcess } from 'node:child_process';

import { readKept, removeFile, writePrivateFile } from '../start/private-file.ts';
import { startOf } from '../start/running.ts';
import { errorCode } from '../probes/source.ts';
import type { MountAnswer } from '../probes/source.ts';
import { outputOf } from './output-of.ts';

export interface NetworkMountsOptions {
  /** The mounts to ask, the most important first. */
  readonly mounts: readonly string[];
  readonly deadlineMs: number;
  readonly placeDir: string | null;
  /** The names of kept files that cannot be read. */
  readonly faults?: string[] | undefined;
  /** The program that asks, for tests. Its arguments are its deadline in milliseconds and the paths. */
  readonly command?: readonly string[];
}

const fileName = 'hanging-mounts.json';
const maxBytes = 256 * 1024;
/** The most mounts to ask. Every hanging mount holds a thread; unused threads cost nothing. */
const maxMounts = 256;
/** The share of the time for questions to network mounts. */
const askShare = 0.6;
/** The time limit for the end of a killed child. */
const goneMs = 100;
/** The errors that last: an unreachable server, a stale file handle, a dead FUSE program. */
const deadCodes = new Set(['ESTALE', 'ENOTCONN', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH', 'ECONNABORTED', 'EIO']);

/**
 * The program of the child process. It asks all mounts at once on threads of its own, in the given order. It writes a
 * line for each answer: index and error code, or index and figures. It ends itself at its deadline.
 */
const script = `const f=require('fs'),[t,...m]=process.argv.slice(1);let n=m.length;
setTimeout(()=>process.kill(process.pid,'SIGKILL'),t);
m.forEach((p,i)=>f.statfs(p,(e,s)=>{try{f.writeSync(1,JSON.stringify(e?[i,e.code]:
[i,s.frsize||s.bsize,s.blocks,s.bfree,s.bavail,s.files,s.ffree])+'\\n')}catch{}
--n||process.exit()}))`;

/**
 * Asks network mounts for their figures in a child process, because a request to a dead mount never ends. A mount
 * without an answer by the deadline does not affect the others. A child that cannot be killed is recorded in
 * `placeDir`: while it hangs, its mounts are unresponsive and not asked again.
 */
export async function askNetworkMounts(options: NetworkMountsOptions): Promise<ReadonlyMap<string, MountAnswer>> {
  const { placeDir, faults } = options;
  const answers = new Map<string, MountAnswer>();
  // Without a record of hanging children every visit could leave another one.
  if (placeDir === null) {
    const unasked = noAnswer(false, 'not asked: nothing can be remembered on this client');
    return new Map(options.mounts.map((mount) => [mount, unasked]));
  }
  const hanging = hangingChildren(placeDir, faults);
  for (const mount of hanging.flatMap(({ mounts }) => mounts)) {
    if (options.mounts.includes(mount)) answers.set(mount, noAnswer(true, 'an earlier question still hangs'));
  }
  const open = options.mounts.filter((mount) => !answers.has(mount));
  const asked = open.slice(0, maxMounts);
  for (const mount of open.slice(maxMounts))
    answers.set(mount, noAnswer(false, `not asked: more than ${maxMounts} mounts`));
  if (asked.length > 0) {
    const { answered, left } = await askChild(asked, options);
    for (const [mount, answer] of answered) answers.set(mount, answer);
    if (left !== null) hanging.push(left);
  }
  try {
    rememberHanging(placeDir, hanging);
  } catch (error) {
    const reason = `no answer, and its child cannot be remembered: ${errorCode(error)}`;
    for (const mount of hanging.flatMap(({ mounts }) => mounts)) answers.set(mount, noAnswer(true, reason));
  }
  return answers;
}

export interface AskMountsOptions extends Pick<NetworkMountsOptions, 'mounts' | 'placeDir' | 'faults'> {
  readonly root: string;
  /** The mounts with two block sizes. */
  readonly twoSized: readonly string[];
  readonly leftMs: () => number;
}

/** Asks mounts below a root in a share of the time, and corrects the block sizes of those with two. */
export async function askMounts(options: AskMountsOptions): Promise<ReadonlyMap<string, MountAnswer>> {
  const { root, placeDir, faults, leftMs } = options;
  const [mounts, twoSized] = [options.mounts, options.twoSized].map((paths) => paths.map((path) => root + path));
  const deadlineMs = Math.max(askShare * leftMs(), 100);
  const answered = await askNetworkMounts({ mounts: mounts ?? [], placeDir, faults, deadlineMs });
  const answers = await correctBlockSizes(answered, twoSized ?? [], Math.min(500, Math.max(leftMs() - 100, 100)));
  return new Map([...answers].map(([path, answer]) => [path.slice(root.length), answer]));
}

async function askChild(mounts: readonly string[], { deadlineMs, command }: NetworkMountsOptions) {
  const { spawn } = await import('node:child_process');
  const [file = '', ...args] = command ?? [process.execPath, '-e', script, '--'];
  const child = spawn(file, [...args, String(deadlineMs + 1000), ...mounts], {
    cwd: '/',
    // A session of its own: a wait for the agent's session does not include a hanging child.
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { UV_THREADPOOL_SIZE: String(mounts.length) },
  });
  child.unref();
  const pid = child.pid;
  const start = pid === undefined ? null : startOf(pid);
  const answered = new Map<string, MountAnswer>();
  const fault = await linesUntil(child, deadlineMs, (line) => {
    const parsed = parseAnswer(line);
    const mount = mounts[parsed?.index ?? -1];
    if (parsed !== null && mount !== undefined) answered.set(mount, parsed.answer);
    return answered.size < mounts.length;
  });
  const silent = mounts.filter((mount) => !answered.has(mount));
  for (const mount of silent) {
    answered.set(mount, fault === null ? noAnswer(true, `no answer within ${deadlineMs} ms`) : noAnswer(false, fault));
  }
  const isGone = await killed(child);
  return { answered, left: isGone || pid === undefined || start === null ? null : { pid, start, mounts: silent } };
}

/**
 * Passes lines to `take` until it returns false, the deadline passes or the child ends. Returns the reason of an end or
 * null.
 */
function linesUntil(child: ChildProcess, deadlineMs: number, take: (line: string) => boolean): Promise<string | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), deadlineMs);
    const end = (fault: string | null): void => {
      clearTimeout(timer);
      resolve(fault);
    };
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (!take(line)) end(null);
    });
    child.on('error', (error) => end(`the child process could not be started: ${errorCode(error)}`));
    child.on('close', (code, signal) => end(`the child process ended: ${signal ?? code ?? 'unknown'}`));
  });
}

/** Kills the child. Returns false if it still exists after a moment, blocked in the kernel. */
function killed(child: ChildProcess): Promise<boolean> {
  child.stdout?.destroy();
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve(true);
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), goneMs);
    child.on('exit', () => {
      clearTimeout(timer);
      resolve(true);
    });
    child.kill('SIGKILL');
  });
}

function parseAnswer(line: string): { readonly index: number; readonly answer: MountAnswer } | null {
  try {
    const [index, code, ...rest] = JSON.parse(line) as readonly [number, ...(number | string)[]];
    if (typeof code === 'string') return { index, answer: noAnswer(deadCodes.has(code), `statfs: ${code}`) };
    const [bsize = NaN, blocks = NaN, bfree = NaN, bavail = NaN, files = NaN, ffree = NaN] = [code, ...rest].map(
      Number,
    );
    return { index, answer: { usage: { bsize, blocks, bfree, bavail, files, ffree } } };
  } catch {
    return null;
  }
}

function noAnswer(unresponsive: boolean, reason: string): MountAnswer {
  return { unresponsive, reason };
}

/** A child process that could not be killed, and the mounts it waits for. */
interface HangingChild {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, which with the pid identifies a process until the next boot. */
  readonly start: number;
  readonly mounts: readonly string[];
}

/** Returns the children of earlier visits that still hang. */
export function hangingChildren(placeDir: string, faults?: string[]): HangingChild[] {
  const childrenIn = (kept: unknown): readonly HangingChild[] | null =>
    Array.isArray(kept) && kept.every(isHangingChild) ? kept : null;
  const children = readKept(placeDir, fileName, { maxBytes, faults }, childrenIn) ?? [];
  return children.filter(({ pid, start }) => startOf(pid) === start);
}

/** Writes the hanging children for the next visit. Throws if that fails. */
export function rememberHanging(placeDir: string, children: readonly HangingChild[]): void {
  if (children.length === 0) removeFile(`${placeDir}/${fileName}`);
  else writePrivateFile(placeDir, fileName, Buffer.from(JSON.stringify(children)), false);
}

function isHangingChild(value: unknown): value is HangingChild {
  const child = value as Partial<HangingChild> | null;
  return (
    typeof child?.pid === 'number' &&
    typeof child.start === 'number' &&
    Array.isArray(child.mounts) &&
    child.mounts.every((mount) => typeof mount === 'string')
  );
}

/**
 * Corrects the block sizes of FUSE mounts that have just answered, by the sizes of `df`. Mounts that df does not list
 * are unknown. BusyBox's `stat -f` reports the wrong one of the two sizes; its df is right.
 */
async function correctBlockSizes(
  answers: ReadonlyMap<string, MountAnswer>,
  mounts: readonly string[],
  deadlineMs: number,
): Promise<ReadonlyMap<string, MountAnswer>> {
  const asked = mounts.filter((mount) => 'usage' in (answers.get(mount) ?? {}));
  if (asked.length === 0) return answers;
  let output = '';
  let reason = 'df did not tell its size';
  try {
    ({ output } = await outputOf('df', ['-kP', '--', ...asked], deadlineMs));
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  const kibibytes = new Map(
    output.split('\n').flatMap((line) => {
      const [, size, mount = ''] = / +(\d+) +\d+ +-?\d+ +(?:\d+%|-) +(\/.*)$/.exec(line) ?? [];
      return size === undefined ? [] : [[mount, Number(size)] as const];
    }),
  );
  const corrected = new Map(answers);
  for (const mount of asked) {
    const answer = answers.get(mount);
    if (answer === undefined || !('usage' in answer)) continue;
    const { blocks, bsize } = answer.usage;
    const size = kibibytes.get(mount);
    if (size === undefined) corrected.set(mount, { unresponsive: false, reason });
    // df rounds up to whole KiB.
    else if (blocks > 0 && Math.ceil((blocks * bsize) / 1024) !== size) {
      corrected.set(mount, { usage: { ...answer.usage, bsize: Math.round((size * 1024) / blocks) } });
    }
  }
  return corrected;
}
