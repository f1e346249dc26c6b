import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { parseProcessStat } from './process-stat.ts';

/** A child process that could not be killed, and the mounts it waits for. */
export interface HangingChild {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, which with the pid identifies a process until the next boot. */
  readonly start: number;
  readonly mounts: readonly string[];
}

/** Returns the children of earlier visits that still hang. */
export function hangingChildren(placeDir: string): HangingChild[] {
  return remembered(placeDir).filter(({ pid, start }) => startOf(pid) === start);
}

/** Writes the hanging children for the next visit. Throws if that fails. */
export function rememberHanging(placeDir: string, children: readonly HangingChild[]): void {
  if (children.length === 0 && remembered(placeDir).length === 0) return;
  const file = fileIn(placeDir);
  writeFileSync(`${file}.new`, JSON.stringify(children), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Returns the start of a process, in ticks since boot; null if it has ended. */
export function startOf(pid: number): number | null {
  try {
    const stat = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    // A process with a killed first thread and another hanging thread looks like a zombie with threads.
    return stat === null || ('ZX'.includes(stat.state) && stat.threads <= 1) ? null : stat.start;
  } catch {
    return null;
  }
}

function remembered(placeDir: string): HangingChild[] {
  try {
    const kept: unknown = JSON.parse(readFileSync(fileIn(placeDir), 'utf8'));
    return Array.isArray(kept) ? kept.filter(isHangingChild) : [];
  } catch {
    return [];
  }
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

function fileIn(placeDir: string): string {
  return join(placeDir, 'hanging-mounts.json');
}
