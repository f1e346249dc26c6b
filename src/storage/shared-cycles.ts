import { greatest } from '../platform/group-by.ts';
import type { RunFact } from './store/run.ts';
import { nextCycleAfter } from './store/share-store.ts';

/** The runs of a site's collectors that belong to one cycle, oldest first. */
export interface CycleRuns {
  /** The time at which the first run began. */
  readonly startedAtMs: number;
  readonly runs: readonly RunFact[];
  /** True if all runs have ended, or a newer cycle began. A killed run has no end. */
  readonly isOver: boolean;
}

/** Returns the cycles of a site's runs, oldest first. */
export function cyclesOf(runs: readonly RunFact[], everyMs: number): readonly CycleRuns[] {
  const cycles: { readonly startedAtMs: number; readonly runs: RunFact[] }[] = [];
  for (const run of [...runs].sort((one, other) => one.startedAtMs - other.startedAtMs)) {
    const newest = cycles.at(-1);
    if (newest !== undefined && run.startedAtMs - newest.startedAtMs < nextCycleAfter * everyMs) newest.runs.push(run);
    else cycles.push({ startedAtMs: run.startedAtMs, runs: [run] });
  }
  return cycles.map((cycle, index) => ({
    ...cycle,
    isOver: index < cycles.length - 1 || cycle.runs.every(({ finishedAtMs }) => finishedAtMs !== null),
  }));
}

/** The sums over the finished runs of a cycle. */
export interface CycleSum {
  readonly startedAtMs: number;
  /** The time at which the last run ended. */
  readonly finishedAtMs: number;
  readonly clients: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Returns the sums of a cycle; `null` while none of its runs has ended. */
export function cycleSum({ startedAtMs, runs }: CycleRuns): CycleSum | null {
  const ended = runs.filter(({ finishedAtMs }) => finishedAtMs !== null);
  if (ended.length === 0) return null;
  const sumOf = (count: (run: RunFact) => number | null): number =>
    ended.reduce((sum, run) => sum + (count(run) ?? 0), 0);
  const [clients, succeeded, failed] = [
    sumOf((run) => run.clients),
    sumOf((run) => run.succeeded),
    sumOf((run) => run.failed),
  ];
  const finishedAtMs = greatest(ended.map((run) => run.finishedAtMs ?? 0));
  return { startedAtMs, finishedAtMs, clients, succeeded, failed, skipped: Math.max(0, clients - succeeded - failed) };
}
