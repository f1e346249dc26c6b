import { boundedTime } from '../../report/check-value.ts';
import type { Report } from '../../report/report.ts';
import type { SealedClock } from '../../storage/store/sealed-store.ts';
import type { ReceivedHello } from '../agent/agent-stream.ts';

/** A client's clocks in our time, from its hello frame. Stored with every sealed report until the report is a row. */
export type ClockFacts = SealedClock;

export function clockFactsOf(hello: ReceivedHello): ClockFacts {
  return {
    offsetMs: Math.round(hello.offsetMs),
    monotonicZeroMs: Math.round(hello.receivedAtMs - hello.monotonic_ms),
    bootId: hello.boot_id,
  };
}

/**
 * The time by which a report may lie after its arrival according to its uptime, because of rounding and a slow
 * connection.
 */
const toleranceMs = 5000;

/**
 * Returns the time of a report on our clock. Within one boot uses the client's monotonic clock, which nobody sets;
 * otherwise its wall clock, corrected by the offset of this visit. Never later than the receipt. Also uses the wall
 * clock if the report's uptime is beyond that of this visit: the uptime of a container begins anew within one boot.
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
  return boundedTime(Math.min(receivedAtMs, madeAtMs));
}

/** Returns the time of a report on the client's own clock, within the bounds of a database column. */
export function collectedAtMs(report: Pick<Report, 'datetime'>): number {
  return boundedTime(Date.parse(report.datetime));
}
