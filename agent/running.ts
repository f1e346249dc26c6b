/**
 * One agent at a time for one client and collector. What tells is the process, never the existence of a file: the
 * record holds pid, start time and boot id, and counts for nothing once no such process is there.
 *
 * The record is the target of a symbolic link, because that is the one thing that a file system makes with its content
 * and only if it does not exist, all at once.
 */
import { lstatSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';

import { removeFile } from './private-file.ts';

const recordName = 'running';
const pollMs = 25;
/** Where there is no /proc a pid may have been given to another process. */
const maxAgeWithoutProcMs = 3_600_000;

export interface RunningAgent {
  readonly pid: number;
  /** Of /proc/PID/stat; `?` where there is none. */
  readonly state: string;
}

/**
 * Waits a moment for an earlier agent to end, then takes its place in the first folder that can be written to.
 * Returns the one that does not end, or null when the place is ours.
 */
export function claimPlace(dirs: readonly string[], bootId: string | null, patienceMs: number): RunningAgent | null {
  for (const dir of dirs) {
    const path = `${dir}/${recordName}`;
    // Looked at first, because Node needs long to throw the error of a link that is missing.
    if (!lstatSync(path, { throwIfNoEntry: false })) continue;
    for (let waitedMs = 0; ; waitedMs += pollMs) {
      const running = runningAgent(path, bootId);
      if (running === null) break;
      if (waitedMs >= patienceMs) return running;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pollMs);
    }
    removeFile(path);
  }
  const record = `${process.pid}-${statusOf('self')?.started ?? ''}-${bootId ?? ''}`;
  for (const dir of dirs) {
    try {
      symlinkSync(record, `${dir}/${recordName}`);
      break;
    } catch {
      // The next folder: this one's disk is full or read-only.
    }
  }
  return null;
}

export function releasePlace(dirs: readonly string[]): void {
  for (const dir of dirs) {
    if (readRecord(`${dir}/${recordName}`)?.startsWith(`${process.pid}-`) === true) removeFile(`${dir}/${recordName}`);
  }
}

function runningAgent(path: string, bootId: string | null): RunningAgent | null {
  const [, pid, started = '', boot = ''] = /^(\d{1,10})-(\d*)-(.*)$/.exec(readRecord(path) ?? '') ?? [];
  if (pid === undefined || boot !== (bootId ?? '') || Number(pid) === process.pid) return null;
  if (started === '') return isAlive(Number(pid), path) ? { pid: Number(pid), state: '?' } : null;
  const status = statusOf(pid);
  if (status?.started !== started || status.state === 'Z') return null;
  return { pid: Number(pid), state: status.state };
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
