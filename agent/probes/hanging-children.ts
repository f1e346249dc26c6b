import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { parseProcessStat } from './process-stat.ts';

/** A child that could not be ended, and the mounts it waits for. */
export interface HangingChild {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: with the pid it names a process for as long as the machine is up. */
  readonly start: number;
  readonly mounts: readonly string[];
}

/** The children of earlier visits that still hang. */
export function hangingChildren(placeDir: string): HangingChild[] {
  return remembered(placeDir).filter(({ pid, start }) => startOf(pid) === start);
}

/** Keeps for the next visit what hangs now; throws when it cannot be written. */
export function rememberHanging(placeDir: string, children: readonly HangingChild[]): void {
  if (children.length === 0 && remembered(placeDir).length === 0) return;
  const file = fileIn(placeDir);
  writeFileSync(`${file}.new`, JSON.stringify(children), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** When a process of this machine began, in ticks since boot; null when it has ended. */
export function startOf(pid: number): number | null {
  try {
    const stat = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    // A process whose first thread was killed while another one hangs looks like a zombie with threads.
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
