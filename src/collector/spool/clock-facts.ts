import type { Report } from '../../report/report.ts';
import type { ReceivedHello } from '../agent/agent-session.ts';

/** What a hello frame says about a client's clocks, on ours. Kept with every sealed report until it is stored. */
export interface ClockFacts {
  /** The client's wall clock less ours. */
  readonly offsetMs: number;
  /** When its monotonic clock stood at 0, on our clock. */
  readonly monotonicZeroMs: number;
  readonly bootId: string | null;
}

export function clockFactsOf(hello: ReceivedHello): ClockFacts {
  return {
    offsetMs: Math.round(hello.offsetMs),
    monotonicZeroMs: Math.round(hello.receivedAtMs - hello.monotonic_ms),
    bootId: hello.boot_id,
  };
}

/** What a DATETIME column of MySQL can hold. */
const earliestMs = Date.UTC(1000, 0, 1);
const latestMs = Date.UTC(9999, 11, 31);

/** How far by its uptime a report may lie behind its arrival: what rounding and a slow way make of one made just now. */
const toleranceMs = 5000;

/**
 * When a report was made, on our clock: within one boot by the client's monotonic clock, which nobody sets; else by its
 * wall clock, corrected by the offset of this visit. Never later than it was received. An uptime that this visit's has not
 * reached yet is another one's, as where a container's begins anew within one boot; then the wall clock counts too.
 */
export function observedAtMs(
  report: Pick<Report, 'datetime' | 'boot_id' | 'monotonic_ms'>,
  receivedAtMs: number,
  clock: ClockFacts | null,
): number {
  const sameBoot = clock !== null && clock.bootId !== null && clock.bootId === report.boot_id;
  const byUptime = sameBoot ? clock.monotonicZeroMs + report.monotonic_ms : null;
  const said =
    byUptime !== null && byUptime <= receivedAtMs + toleranceMs
      ? byUptime
      : collectedAtMs(report) - (clock === null ? 0 : clock.offsetMs);
  return Math.round(Math.min(receivedAtMs, Math.max(earliestMs, said)));
}

/** When a report was made by the client's own clock, within what a database can hold. */
export function collectedAtMs(report: Pick<Report, 'datetime'>): number {
  return Math.min(latestMs, Math.max(earliestMs, Date.parse(report.datetime)));
}
