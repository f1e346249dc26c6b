/**
 * Lets one agent run at a time for one client and collector. The process decides, never the existence of a file: the
 * record holds pid, start time and boot id, and counts for nothing once that process has ended. A visit ends an agent
 * that a crontab has started.
 *
 * The record is the target of a symbolic link: a file system makes a link with its target in one step, and only if the
 * name does not exist.
 */
import { lstatSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';

import { parseProcessStat, type ProcessStat } from '../probes/process-stat.ts';
import { removeFile } from './private-file.ts';

const recordName = 'running';
const pollMs = 25;
/** The time limit for the end of a killed process. */
const killTimeoutMs = 500;
/** The end of the record of an agent that a crontab has started. */
const ownSuffix = '/spool';
/** The age up to which a record counts without /proc, because its pid may belong to another process by then. */
const maxAgeWithoutProcMs = 3_600_000;

export interface RunningAgent {
  readonly pid: number;
  /** The state in /proc/PID/stat; `?` on systems without it. */
  readonly state: string;
  /** True if a crontab of this client has started it. */
  readonly own: boolean;
}

/**
 * Waits a moment for an earlier agent to end, then writes a record into the first writable folder. Returns the agent
 * that does not end, or null if this agent may run.
 */
export function claimPlace(
  dirs: readonly string[],
  bootId: string | null,
  { own, timeoutMs }: { readonly own: boolean; readonly timeoutMs: number },
): RunningAgent | null {
  const waitFor = (dir: string): RunningAgent | null => {
    const path = `${dir}/${recordName}`;
    // lstat comes first: Node takes long to throw the error of a missing link.
    if (!lstatSync(path, { throwIfNoEntry: false })) return null;
    let endMs = timeoutMs;
    for (let waitedMs = 0; ; waitedMs += pollMs) {
      const running = runningAgent(path, bootId);
      if (running === null) break;
      if (waitedMs >= endMs && (own || !running.own || endMs > timeoutMs || !killed(running.pid))) return running;
      if (waitedMs >= endMs) endMs += killTimeoutMs;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs);
    }
    removeFile(path);
    return null;
  };
  for (const dir of dirs) {
    const running = waitFor(dir);
    if (running !== null) return running;
  }
  const record = `${process.pid}-${statusOf('self')?.start ?? ''}-${bootId ?? ''}${own ? ownSuffix : ''}`;
  for (const dir of dirs) {
    try {
      symlinkSync(record, `${dir}/${recordName}`);
      break;
    } catch (error) {
      // EEXIST: another agent was faster. Any other error: this disk is full or read-only, so the next folder follows.
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return claimPlace(dirs, bootId, { own, timeoutMs });
    }
  }
  return null;
}

function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

export function releasePlace(dirs: readonly string[]): void {
  for (const dir of dirs) {
    if (readRecord(`${dir}/${recordName}`)?.startsWith(`${process.pid}-`) === true) removeFile(`${dir}/${recordName}`);
  }
}

function runningAgent(path: string, bootId: string | null): RunningAgent | null {
  const record = readRecord(path) ?? '';
  const own = record.endsWith(ownSuffix);
  const [, pid, started = '', boot = ''] =
    /^(\d{1,10})-(\d*)-(.*)$/.exec(own ? record.slice(0, -ownSuffix.length) : record) ?? [];
  if (pid === undefined || boot !== (bootId ?? '') || Number(pid) === process.pid) return null;
  if (started === '') return isAlive(Number(pid), path) ? { pid: Number(pid), state: '?', own } : null;
  const status = statusOf(pid);
  if (status === null || String(status.start) !== started || status.state === 'Z') return null;
  return { pid: Number(pid), state: status.state, own };
}

function readRecord(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function statusOf(pid: string | number): ProcessStat | null {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return null;
  }
}

/** Returns the start of a process, in ticks since boot; null if it has ended. */
export function startOf(pid: number): number | null {
  const stat = statusOf(pid);
  // A process with a killed first thread and another hanging thread looks like a zombie with threads.
  return stat === null || ('ZX'.includes(stat.state) && stat.threads <= 1) ? null : stat.start;
}

function isAlive(pid: number, path: string): boolean {
  try {
    process.kill(pid, 0);
    return Date.now() - lstatSync(path).mtimeMs < maxAgeWithoutProcMs;
  } catch {
    return false;
  }
}
