/**
 * One agent at a time for one client and collector. What tells is the process, never the existence of a file: the
 * record holds pid, start time and boot id, and counts for nothing once no such process is there. One that a crontab has
 * started gives way to a visit.
 *
 * The record is the target of a symbolic link, because that is the one thing that a file system makes with its content
 * and only if it does not exist, all at once.
 */
import { lstatSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';

import { removeFile } from './private-file.ts';

const recordName = 'running';
const pollMs = 25;
/** For a process to end that was killed. */
const killPatienceMs = 500;
/** Ends the record of an agent that no collector waits for. */
const ownSuffix = '/spool';
/** Where there is no /proc a pid may have been given to another process. */
const maxAgeWithoutProcMs = 3_600_000;

export interface RunningAgent {
  readonly pid: number;
  /** Of /proc/PID/stat; `?` where there is none. */
  readonly state: string;
  /** Started by a crontab of this client. */
  readonly own: boolean;
}

/**
 * Waits a moment for an earlier agent to end, then takes its place in the first folder that can be written to.
 * Returns the one that does not end, or null when the place is ours.
 */
export function claimPlace(
  dirs: readonly string[],
  bootId: string | null,
  { own, patienceMs }: { readonly own: boolean; readonly patienceMs: number },
): RunningAgent | null {
  const waitFor = (dir: string): RunningAgent | null => {
    const path = `${dir}/${recordName}`;
    // Looked at first, because Node needs long to throw the error of a link that is missing.
    if (!lstatSync(path, { throwIfNoEntry: false })) return null;
    let endMs = patienceMs;
    for (let waitedMs = 0; ; waitedMs += pollMs) {
      const running = runningAgent(path, bootId);
      if (running === null) break;
      if (waitedMs >= endMs && (own || !running.own || endMs > patienceMs || !killed(running.pid))) return running;
      if (waitedMs >= endMs) endMs += killPatienceMs;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs);
    }
    removeFile(path);
    return null;
  };
  for (const dir of dirs) {
    const running = waitFor(dir);
    if (running !== null) return running;
  }
  const record = `${process.pid}-${statusOf('self')?.started ?? ''}-${bootId ?? ''}${own ? ownSuffix : ''}`;
  for (const dir of dirs) {
    try {
      symlinkSync(record, `${dir}/${recordName}`);
      break;
    } catch (error) {
      // Another one was faster; or else the next folder, for this one's disk is full or read-only.
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return claimPlace(dirs, bootId, { own, patienceMs });
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
  if (status?.started !== started || status.state === 'Z') return null;
  return { pid: Number(pid), state: status.state, own };
}

function readRecord(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function statusOf(pid: string): { readonly state: string; readonly started: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name may hold anything; state is the 3rd field and start time the 22nd of proc_pid_stat(5).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '?', started: fields[19] ?? '' };
  } catch {
    return null;
  }
}

function isAlive(pid: number, path: string): boolean {
  try {
    process.kill(pid, 0);
    return Date.now() - lstatSync(path).mtimeMs < maxAgeWithoutProcMs;
  } catch {
    return false;
  }
}
