import { boundedTime } from '../../report/values/bounded-time.ts';
import { secondMs } from '../../platform/units.ts';
import type { ReceivedHello } from '../agent/agent-session.ts';
import type { ArrivalClocks } from './forwarded.ts';

/** The offset below which the clock of a site counts as right: a request may take that long on a slow link. */
const toleratedMs = 30 * secondMs;

/** Returns by how much the clock of the site is ahead of ours. */
export function aheadMs({ offsetMs }: ReceivedHello): number {
  return Math.abs(offsetMs) < toleratedMs ? 0 : offsetMs;
}

/** Converts a time of the site to our clock. The result is never in the future. */
export function ourTime(timeMs: number, hello: ReceivedHello): number {
  return boundedTime(Math.max(0, Math.min(timeMs - aheadMs(hello), hello.receivedAtMs)));
}

/** Converts a time of the site to our clock. The result may be in the future. */
export function ourFutureTime(timeMs: number, hello: ReceivedHello): number {
  return boundedTime(timeMs - aheadMs(hello));
}

/** Returns the arrival of a report by our clock. */
export function onOurClock({ receivedAtMs, clock }: ArrivalClocks, hello: ReceivedHello): ArrivalClocks {
  const ahead = aheadMs(hello);
  return {
    receivedAtMs: ourTime(receivedAtMs, hello),
    clock:
      clock === null
        ? null
        : { ...clock, offsetMs: clock.offsetMs + ahead, monotonicZeroMs: clock.monotonicZeroMs - ahead },
  };
}
