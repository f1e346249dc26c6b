/**
 * Makes a report for the client's own crontab (spool-script.ts) while no collector connects. Keeps the report for the
 * next visit.
 */
import { existsSync } from 'node:fs';

import type { AgentRequest } from '../../src/report/wire.ts';
import { monotonicMs, readBootId } from '../start/clock.ts';
import { readCounters } from './counters-file.ts';
import { makeReport } from './make-report.ts';
import type { PlaceNames } from '../start/places.ts';
import { claimPlace, releasePlace } from '../start/running.ts';
import { openVisit } from './visit.ts';
import type { Collect } from '../probes/collected.ts';

/** The collect function for each kind of request. */
export interface Collectors {
  readonly visit: Collect;
  /** null in the program for the visits of Linux. */
  readonly inventory: Collect | null;
  /** Missing in the program for the visits of Linux. */
  readonly state?: Collect;
}

export interface SpoolRunOptions {
  readonly request: AgentRequest;
  readonly collectors: Collectors;
  readonly roots: readonly string[];
  readonly names: PlaceNames;
  /** The time after a visit in which no report is made. */
  readonly pauseMs: number;
}

/** The error of a report that could not be kept, and that no other program could keep either. */
export class NotKeptError extends Error {}

/**
 * Keeps one report, unless a collector visited lately, another agent is running or this client has no folder here.
 * Throws NotKeptError if the report could not be kept, and another Error if another program may keep it.
 */
export async function runSpool({ request, collectors, roots, names, pauseMs }: SpoolRunOptions): Promise<void> {
  // The program for Linux holds no inventory; the other program is for every other system.
  if (existsSync('/proc/sys/kernel/ostype') !== (collectors.inventory === null)) {
    throw new Error('this program makes no reports on this system');
  }
  const bootId = readBootId();
  const visit = { ...openVisit(request, roots, names, false), make: true };
  const dirs = [...visit.dirs, ...visit.formerDirs];
  if (dirs.length === 0 || wasVisited(dirs, bootId, pauseMs)) return;
  if (claimPlace(dirs, bootId, { own: true, timeoutMs: 0 }) !== null) return;
  try {
    const outcome = await makeReport(request, visit, collectors.visit, bootId);
    if ('code' in outcome) throw new NotKeptError(outcome.message);
    if (visit.spoolError !== null) throw new NotKeptError(visit.spoolError);
  } finally {
    releasePlace(dirs);
  }
}

function wasVisited(dirs: readonly string[], bootId: string | null, pauseMs: number): boolean {
  const counters = readCounters(dirs);
  if (typeof counters?.visitedMs !== 'number' || counters.bootId !== (bootId ?? '')) return false;
  const sinceMs = monotonicMs() - counters.visitedMs;
  return sinceMs >= 0 && sinceMs < pauseMs;
}
