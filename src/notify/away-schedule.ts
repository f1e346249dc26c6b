import type { AwayState } from './away-state.ts';
import { hourMs, minuteMs } from '../platform/units.ts';

/** A database that is restarted is nobody's business. */
export const mailAfterMs = 10 * minuteMs;
/** Cron starts a program a moment earlier or later than an hour after the time before. */
const slackMs = 2_500;
/** A mail that did not go out is tried again after so long. */
const triedPauseMs = 5 * minuteMs;

/** Whether a line on stderr is due: at first, and every hour. A time in the future is one of a clock that was wrong. */
export function isLineDue({ saidAtMs }: Pick<AwayState, 'saidAtMs'>, nowMs: number): boolean {
  return saidAtMs === null || saidAtMs > nowMs || nowMs - saidAtMs >= hourMs - slackMs;
}

/** Whether a mail is due: after ten minutes, then as <alerts repeat> says, hourly at most; `repeatMs` null: just one. */
export function isMailDue(state: AwayState, nowMs: number, repeatMs: number | null): boolean {
  const { sinceMs, mailedAtMs, triedAtMs } = state;
  if (sinceMs === null || nowMs - sinceMs < mailAfterMs) return false;
  if (triedAtMs !== null && triedAtMs <= nowMs && nowMs - triedAtMs < triedPauseMs - slackMs) return false;
  if (mailedAtMs === null || mailedAtMs > nowMs) return true;
  return repeatMs !== null && nowMs - mailedAtMs >= Math.max(hourMs, repeatMs) - slackMs;
}
