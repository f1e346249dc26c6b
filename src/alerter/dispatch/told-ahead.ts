import { hourMs, minuteMs } from '../../platform/units.ts';
import type { LastNotified, ToldAhead } from '../../storage/store/alert.ts';
import { longestGapMs } from '../transition/progress.ts';

/** A notification may seem to lie this far ahead: the clocks of two alerters differ a little. */
const slackMs = 5 * minuteMs;
/** The most times that are counted from, the newest ones: those that lie ahead are among them. */
const maxTimes = 1000;

/**
 * Counts the time since notifications from the first pass on that finds one ahead of the clock, which was set back. Of
 * a step back, or further ahead than a gap of the collector's runs, the usual pause between two passes counts: a clock
 * that goes back and forth neither brings reminders nearer nor keeps them away. Returns null if there is nothing to
 * count: the clock was not set back, or of all alerts of that time nobody knows any more as firing.
 */
export function followToldAhead(
  known: ToldAhead | null,
  notified: readonly Pick<LastNotified, 'state' | 'notifiedAtMs'>[],
  { nowMs, everyMs }: { readonly nowMs: number; readonly everyMs: number },
): ToldAhead | null {
  const told = [...new Set(notified.flatMap((one) => (one.state === 'resolved' ? [] : one.notifiedAtMs)))];
  if (told.length === 0 || (known === null && told.every((toldMs) => toldMs - nowMs <= slackMs))) return null;
  const longestMs = Math.max(longestGapMs(everyMs), hourMs);
  const steppedMs = known === null ? 0 : nowMs - known.atMs;
  const isUsual = steppedMs >= 0 && steppedMs <= longestMs;
  const stepMs = isUsual ? steppedMs : (known?.stepMs ?? everyMs);
  const before = new Map(known?.times);
  const passedMs = (toldMs: number): number => {
    if (known === null) return Math.max(nowMs - toldMs, 0);
    // A time that is new is that of the pass that counted last.
    return (before.get(toldMs) ?? 0) + stepMs;
  };
  const newest = told.sort((one, other) => other - one).slice(0, maxTimes);
  return {
    atMs: nowMs,
    stepMs: isUsual && steppedMs > 0 ? steppedMs : (known?.stepMs ?? null),
    times: newest.map((toldMs) => [toldMs, passedMs(toldMs)]),
  };
}

/** Returns when a recipient was notified, as the present clock would have said it. */
export function toldAtMs(
  { notifiedAtMs }: Pick<LastNotified, 'notifiedAtMs'>,
  { toldAhead, nowMs }: { readonly toldAhead?: ToldAhead | null; readonly nowMs: number },
): number {
  const counted = toldAhead?.times.find(([toldMs]) => toldMs === notifiedAtMs);
  return counted === undefined ? notifiedAtMs : nowMs - counted[1];
}
