/** Starts, ends and checks modes in the background. A mode runs while its lock is held, whatever files contain. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import * as v from 'valibot';

import { readPrivateFile } from '../../agent/start/private-file.ts';
import { errnoOf, FleetError } from '../platform/errors/errors.ts';
import { parseJson } from '../platform/parse-json.ts';
import { secondMs } from '../platform/units.ts';
import { lookAtLock, type LockHolder } from '../state-folder/lock.ts';
import { statusFile, type ModeStatus } from './mode-context.ts';

const stopWithinMs = 10 * secondMs;
const pollMs = 50;
const maxStatusBytes = 4096;

/** Returns the file of the lock that a running mode holds. */
export function lockFile(place: string, mode: string): string {
  return path.join(place, `${mode}-lock.db`);
}

/** Returns the process that runs a mode; null if there is none. */
export async function runningMode(place: string, mode: string): Promise<LockHolder | null> {
  const taken = await lookAtLock(lockFile(place, mode));
  return taken === null ? null : (taken.holder ?? { pid: 0, startedAtMs: 0 });
}

const numberOrNull = v.fallback(v.nullable(v.number()), null);
const modeStatus = v.object({ lastReportAtMs: numberOrNull, queue: numberOrNull });

/** Returns the last status that a mode has stored; nulls if it has stored nothing. */
export function keptStatus(place: string, mode: string): ModeStatus {
  const content = readPrivateFile(path.join(place, statusFile(mode)), maxStatusBytes);
  return parseJson(modeStatus, content ?? '') ?? { lastReportAtMs: null, queue: null };
}

/**
 * Ends a mode: by SIGTERM, waiting ten seconds, or at once with its whole process group. Returns the pid; null if the
 * mode was not running. Throws FleetError `locked` if the mode does not end.
 */
export async function stopMode(place: string, mode: string, force: boolean): Promise<number | null> {
  const holder = await runningMode(place, mode);
  if (holder === null) return null;
  const { pid } = holder;
  signalTo(holder, mode, force ? 'SIGKILL' : 'SIGTERM');
  const endMs = performance.now() + stopWithinMs;
  while ((await runningMode(place, mode))?.pid === pid) {
    if (performance.now() > endMs) throw running(`${mode} (pid ${pid}) did not end within 10 s`, forcedEnd(mode));
    await sleep(pollMs);
  }
  return pid;
}

/** Makes a mode read its settings again. Returns the pid; null if the mode does not run. Throws FleetError `locked`. */
export async function reloadMode(place: string, mode: string): Promise<number | null> {
  const holder = await runningMode(place, mode);
  if (holder === null) return null;
  signalTo(holder, mode, 'SIGHUP');
  return holder.pid;
}

function forcedEnd(mode: string): string {
  return `End it at once: fleet-health-agent stop --force ${mode}`;
}

/** Sends a signal to the process that runs a mode; SIGKILL to its process group. Ignores a process that has ended. */
function signalTo({ pid }: LockHolder, mode: string, signal: 'SIGTERM' | 'SIGKILL' | 'SIGHUP'): void {
  if (pid < 2) throw running(`the process that runs ${mode} cannot be determined`, 'Look for it with ps, and end it.');
  try {
    process.kill(signal === 'SIGKILL' ? groupOf(pid) : pid, signal);
  } catch (thrown) {
    if (errnoOf(thrown) === 'EPERM') {
      throw running(`${mode} (pid ${pid}) belongs to another account`, 'Run this as that account or as root.');
    }
    if (errnoOf(thrown) !== 'ESRCH') throw thrown;
  }
}

/**
 * Returns the process group in the form of kill(2), if the process leads the group or `start` has made it. Any other
 * group may contain the script that started the process; then returns the process alone.
 */
function groupOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // State, parent, group and session follow the name, which may contain anything: proc_pid_stat(5).
    const [, , group = '', session = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const isOfStart = group === session && !existsSync(`/proc/${session}`);
    return Number(group) === pid || isOfStart ? -Number(group) : pid;
  } catch {
    return pid;
  }
}

function running(message: string, advice: string): FleetError {
  return new FleetError({ code: 'locked', stage: 'lock', message, advice });
}
