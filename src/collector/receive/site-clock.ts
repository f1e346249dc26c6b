import { secondMs } from '../../platform/units.ts';
import type { ReceivedHello } from '../agent/agent-session.ts';
import type { ArrivalClocks } from './forwarded.ts';

/** The clock of a site that is off by less is taken as right: a request takes so long on a slow link. */
const toleratedMs = 30 * secondMs;

/** Returns what the clock of the site is ahead of ours. */
export function aheadMs({ offsetMs }: ReceivedHello): number {
  return Math.abs(offsetMs) < toleratedMs ? 0 : offsetMs;
}

/** Returns a time of the site by our clock. Nothing has happened in the future. */
export function ourTime(timeMs: number, hello: ReceivedHello): number {
  return Math.max(0, Math.min(timeMs - aheadMs(hello), hello.receivedAtMs));
}

/** Returns when a report arrived by our clock. */
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
