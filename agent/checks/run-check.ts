import type { SpawnOptions } from 'node:child_process';
import { setPriority } from 'node:os';

import { startOf } from '../start/running.ts';

export const fixedPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const maxReadBytes = 64 * 1024;
/** The lowest priority. Not by nice(1): a client may lack it, and another program of that name may end well. */
const lowest = 19;
/** The statuses of a shell for a program that is there and whose interpreter is not, or may not be executed. */
const shellStatus: Readonly<Record<string, number>> = { ENOENT: 127, EACCES: 126 };
/** The time from SIGTERM to SIGKILL, and from SIGKILL until a process counts as hanging. */
export const termMs = 1000;
export const killMs = 500;

/** A process, with its start: a later process may have its pid. */
export interface ProcessId {
  readonly pid: number;
  readonly start: number | null;
}

export interface CheckOutcome {
  readonly exit: number | null;
  readonly why: string | null;
  readonly output: Buffer;
  /** The process if even SIGKILL did not end it; otherwise null. */
  readonly hanging: ProcessId | null;
}

/**
 * Runs a program without a shell, in a process group of its own, at the lowest priority, without stdin. Neither throws
 * nor rejects. Ends the group by SIGTERM and SIGKILL at the deadline, and the rest of the group after the program has
 * ended. A program that ended before the deadline is no timeout, also where this process was too busy to notice. Calls
 * `started` with the process before anything is awaited.
 */
export async function runCheck(
  [program = '', ...args]: readonly string[],
  deadlineMs: number,
  started: (id: ProcessId) => void,
): Promise<CheckOutcome> {
  const { spawn } = await import('node:child_process');
  return new Promise((resolve) => {
    // A child that did not start for lack of descriptors has no output; its event `error` comes later.
    const child = spawn(program, args, spawnOptions());
    const pid = lowered(child.pid);
    const id = pid === undefined ? null : { pid, start: startOf(pid) };
    const chunks: Buffer[] = [];
    let length = 0;
    let fault: string | null = null;
    let ended: { readonly code: number | null; readonly signal: string | null } | null = null;
    let timer = setTimeout(() => setImmediate(expire), deadlineMs);
    const finish = (hanging: ProcessId | null = null): void => {
      clearTimeout(timer);
      child.stdout?.destroy();
      const { exit, why } = endOf(fault, ended);
      resolve({ exit, why, output: Buffer.concat(chunks), hanging });
    };
    const kill = (): void => {
      killGroup(pid, 'SIGKILL');
      clearTimeout(timer);
      timer = setTimeout(() => finish(ended === null ? id : null), killMs);
    };
    const expire = (): void => {
      // Another session holds the output open after the program has ended.
      if (ended !== null) {
        finish();
        return;
      }
      fault ??= 'timeout';
      killGroup(pid, 'SIGTERM');
      timer = setTimeout(kill, termMs);
    };
    child.stdout?.on('data', (chunk: Buffer) => {
      const room = maxReadBytes + 1 - length;
      if (room <= 0) return;
      chunks.push(chunk.subarray(0, room));
      length += chunk.length;
      if (length <= maxReadBytes) return;
      fault ??= 'too long';
      kill();
    });
    child.on('error', ({ code = '' }: NodeJS.ErrnoException) => {
      ended = { code: shellStatus[code] ?? null, signal: null };
      if (ended.code === null) fault ??= 'cannot be started';
      finish();
    });
    child.on('exit', (code, signal) => {
      ended = { code, signal };
      killGroup(pid, 'SIGKILL');
      if (fault !== null) finish();
    });
    child.on('close', () => finish());
    if (id !== null) started(id);
  });
}

/** Gives a process the lowest priority, a moment after its start. Returns its pid. */
function lowered(pid: number | undefined): number | undefined {
  try {
    if (pid !== undefined) setPriority(pid, lowest);
  } catch {
    // The program has ended.
  }
  return pid;
}

function spawnOptions(): SpawnOptions {
  const home = process.env['HOME'];
  const env = { PATH: fixedPath, LC_ALL: 'C', ...(home === undefined ? {} : { HOME: home }) };
  return { cwd: '/', detached: true, env, stdio: ['ignore', 'pipe', 'ignore'] };
}

/** Returns the end of a program. A shell reports signals as 128 and their number, so both forms mean the same. */
function endOf(
  fault: string | null,
  ended: { readonly code: number | null; readonly signal: string | null } | null,
): { readonly exit: number | null; readonly why: string | null } {
  if (fault !== null) return { exit: null, why: fault };
  const code = ended?.code ?? null;
  if (code === null || (code > 128 && code <= 192)) return { exit: null, why: 'signal' };
  return { exit: code, why: null };
}

function killGroup(pid: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // The group has ended.
  }
}
