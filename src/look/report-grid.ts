import { dayMs, hourMs, minuteMs } from '../platform/units.ts';
import type { Grid } from '../storage/store/look-store.ts';

const stepsMs = [1, 5, 10, 15, 30]
  .map((minutes) => minutes * minuteMs)
  .concat(
    [1, 2, 3, 6, 12].map((hours) => hours * hourMs),
    dayMs,
  );
/** More rows than this take seconds to read. */
const mostRows = 2_000_000;
/** Rows of a visit: one of stats, and some of mounts and interfaces. */
const rowsOfVisit = 5;
/** More points of all clients than this take seconds to read, and more than a few megabytes to keep. */
const mostSamples = 400_000;
/** More points than this no screen shows. */
const mostPoints = 1000;

/**
 * Returns the grid of a span: the shortest step that has at most `points` points and is no shorter than the time
 * between two visits. It begins and ends at whole steps. Points of a large fleet are samples.
 */
export function reportGrid(
  sinceMs: number,
  untilMs: number,
  everyMs: number,
  clients: number,
  points = mostPoints,
): Grid {
  const spanMs = untilMs - sinceMs;
  const pointsOf = (stepMs: number): number => Math.ceil(untilMs / stepMs) - Math.floor(sinceMs / stepMs);
  const fits = (stepMs: number): boolean =>
    stepMs >= everyMs && pointsOf(stepMs) <= points && (clients * spanMs) / stepMs <= mostSamples;
  // Both ends may be rounded outwards, so that there is a point more than the span has steps.
  const stepMs = stepsMs.find(fits) ?? Math.ceil(spanMs / (points - 1) / dayMs) * dayMs;
  const rows = (clients * rowsOfVisit * spanMs) / everyMs;
  return {
    sinceMs: Math.floor(sinceMs / stepMs) * stepMs,
    stepMs,
    points: pointsOf(stepMs),
    untilMs,
    sampleMs: rows > mostRows && stepMs > everyMs ? everyMs : null,
  };
}
