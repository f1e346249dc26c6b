import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';
import type { Grid } from '../../storage/store/look-store.ts';

const stepsMs = [1, 5, 10, 15, 30]
  .map((minutes) => minutes * minuteMs)
  .concat(
    [1, 2, 3, 6, 12].map((hours) => hours * hourMs),
    dayMs,
  );
/** The most rows to read. More rows take seconds. */
const maxRows = 2_000_000;
/** The estimated rows of a visit: one of `stats`, and several of mounts and interfaces. */
const rowsOfVisit = 5;
/** The most points of all clients. More points take seconds to read and several megabytes to keep. */
const maxSamples = 400_000;
/** The most points of a plot. No screen shows more. */
const maxPoints = 1000;

/**
 * Returns the grid of a span: the shortest step with at most `points` points that is no shorter than the time between
 * two visits. The grid begins and ends at whole steps. Points of a large fleet are samples.
 */
export function reportGrid(
  sinceMs: number,
  untilMs: number,
  everyMs: number,
  clients: number,
  points = maxPoints,
): Grid {
  const spanMs = untilMs - sinceMs;
  const pointsOf = (stepMs: number): number => Math.ceil(untilMs / stepMs) - Math.floor(sinceMs / stepMs);
  const fits = (stepMs: number): boolean =>
    stepMs >= everyMs && pointsOf(stepMs) <= points && (clients * spanMs) / stepMs <= maxSamples;
  // Rounding both ends outwards can add a point to the steps of the span.
  const stepMs = stepsMs.find(fits) ?? Math.ceil(spanMs / (points - 1) / dayMs) * dayMs;
  const rows = (clients * rowsOfVisit * spanMs) / everyMs;
  return {
    sinceMs: Math.floor(sinceMs / stepMs) * stepMs,
    stepMs,
    points: pointsOf(stepMs),
    untilMs,
    sampleMs: rows > maxRows && stepMs > everyMs ? everyMs : null,
  };
}
