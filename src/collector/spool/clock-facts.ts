import type { Report } from '../../report/report.ts';
import type { SealedClock } from '../../storage/store/sealed-store.ts';
import type { ReceivedHello } from '../agent/agent-session.ts';

/** A client's clocks on ours, from its hello frame. Kept with every sealed report until it is stored. */
export type ClockFacts = SealedClock;

export function clockFactsOf(hello: ReceivedHello): ClockFacts {
  return {
    offsetMs: Math.round(hello.offsetMs),
    monotonicZeroMs: Math.round(hello.receivedAtMs - hello.monotonic_ms),
    bootId: hello.boot_id,
  };
}

/** The bounds of a DATETIME column of MySQL. */
const earliestMs = Date.UTC(1000, 0, 1);
const latestMs = Date.UTC(9999, 11, 31);

/** A report may lie so far after its arrival by its uptime, because of rounding and a slow connection. */
const toleranceMs = 5000;

/**
 * Returns the time of a report on our clock: within one boot by the client's monotonic clock, which nobody sets; else
 * by its wall clock, corrected by the offset of this visit. Never later than the receipt. Uses the wall clock, too, if
 * the report's uptime is beyond that of this visit: the uptime of a container begins anew within one boot.
 */
export function observedAtMs(
  report: Pick<Report, 'datetime' | 'boot_id' | 'monotonic_ms'>,
  receivedAtMs: number,
  clock: ClockFacts | null,
): number {
  const sameBoot = clock !== null && clock.bootId !== null && clock.bootId === report.boot_id;
  const byUptime = sameBoot ? clock.monotonicZeroMs + report.monotonic_ms : null;
  const madeAtMs =
    byUptime !== null && byUptime <= receivedAtMs + toleranceMs
      ? byUptime
      : collectedAtMs(report) - (clock === null ? 0 : clock.offsetMs);
  return Math.round(Math.min(receivedAtMs, Math.max(earliestMs, madeAtMs)));
}

/** Returns the time of a report on the client's own clock, within what a database can hold. */
export function collectedAtMs(report: Pick<Report, 'datetime'>): number {
  return Math.min(latestMs, Math.max(earliestMs, Date.parse(report.datetime)));
}
