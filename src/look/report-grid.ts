import { dayMs, hourMs, minuteMs } from '../platform/units.ts';
import type { Grid } from '../storage/store/look-store.ts';

const stepsMs = [1, 5, 10, 15, 30]
  .map((minutes) => minutes * minuteMs)
  .concat(
    [1, 2, 6].map((hours) => hours * hourMs),
    dayMs,
  );
/** More rows than this take seconds to read. */
const mostRows = 2_000_000;
/** Rows of a visit: one of stats, and some of mounts and interfaces. */
const rowsOfVisit = 5;
/** More points than this no screen shows. */
const mostPoints = 1000;

/**
 * Returns the grid of a span: the shortest step that has at most 1,000 points and is no shorter than the time between
 * two visits. It begins and ends at whole steps. Points of a large fleet are samples.
 */
export function reportGrid(sinceMs: number, untilMs: number, everyMs: number, clients: number): Grid {
  const fits = (stepMs: number): boolean => stepMs >= everyMs && (untilMs - sinceMs) / stepMs <= mostPoints;
  const stepMs = stepsMs.find(fits) ?? Math.ceil((untilMs - sinceMs) / mostPoints / dayMs) * dayMs;
  const first = Math.floor(sinceMs / stepMs);
  const rows = (clients * rowsOfVisit * (untilMs - sinceMs)) / everyMs;
  return {
    sinceMs: first * stepMs,
    stepMs,
    points: Math.ceil(untilMs / stepMs) - first,
    sampleMs: rows > mostRows && stepMs > everyMs ? everyMs : null,
  };
}
