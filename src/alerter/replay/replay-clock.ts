/** src/alerter/replay: rules tried on the past. */
import { dayMs } from '../../platform/units.ts';
import type { RunFact } from '../../storage/store/run.ts';

/** The age up to which runs are known. */
export const runsMs = dayMs;

export interface ReplayClockOptions {
  /** Runs of the collector, in any order. */
  readonly runs: readonly RunFact[];
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly everyMs: number;
}

/**
 * Yields the times of passes, oldest first: after the end of each run of the collector, and every `every` while none
 * ends, because silence must be noticed too. The last pass is at the end.
 */
export function* passTimes({ runs, sinceMs, untilMs, everyMs }: ReplayClockOptions): Generator<number> {
  const ends = runs
    .flatMap(({ finishedAtMs }) => finishedAtMs ?? [])
    .filter((atMs) => atMs >= sinceMs && atMs < untilMs)
    .sort((one, other) => one - other);
  let lastMs = sinceMs;
  for (const atMs of [...ends, untilMs]) {
    // A run that is a little late is no gap.
    while (atMs - lastMs > 1.5 * everyMs) {
      lastMs += everyMs;
      yield lastMs;
    }
    if (atMs === lastMs) continue;
    lastMs = atMs;
    yield atMs;
  }
}

/**
 * Returns a function that returns the last runs as they were known at a time, which never goes back: without later
 * runs, and with unfinished ones still running. Newest first.
 */
export function openRuns(runs: readonly RunFact[]): (atMs: number) => readonly RunFact[] {
  const inOrder = [...runs].sort((one, other) => one.startedAtMs - other.startedAtMs);
  let [first, end] = [0, 0];
  return (atMs) => {
    while ((inOrder[end]?.startedAtMs ?? Infinity) <= atMs) end += 1;
    while ((inOrder[first]?.startedAtMs ?? Infinity) <= atMs - runsMs) first += 1;
    return inOrder
      .slice(first, end)
      .reverse()
      .map((run) =>
        run.finishedAtMs === null || run.finishedAtMs <= atMs
          ? run
          : { ...run, outcome: 'running', finishedAtMs: null },
      );
  };
}
