import type { ErrorCode } from '../errors.ts';
import type { ClientFacts } from '../storage/storage.ts';

const longestMs = 60 * 60 * 1000;

/** Refused logins lock accounts and fill the client's log: these alone are not repeated at every run. */
const refusals: readonly string[] = ['auth-failed'] satisfies readonly ErrorCode[];

export type LastAttempt = Pick<ClientFacts, 'lastVisitAtMs' | 'nextAttemptAtMs'>;

/** Whether a client must be left alone in this run. A time beyond the longest pause is a clock that was wrong. */
export function isHeldBack(facts: LastAttempt | undefined, nowMs: number): boolean {
  const nextMs = facts?.nextAttemptAtMs ?? null;
  return nextMs !== null && nextMs > nowMs && nextMs - nowMs <= longestMs;
}

export interface BackoffOptions {
  /** What the visit ended with; null: it went well. */
  readonly code: string | null;
  /** As it was before this visit. */
  readonly facts: LastAttempt | undefined;
  readonly startedAtMs: number;
  readonly everyMs: number;
}

/**
 * Not before then is the client tried again: after 1, 2, 4 ... runs, at most an hour. null: at the next run. Half a run
 * is taken off, because visits do not begin at the same moment of every run.
 */
export function nextAttemptAtMs({ code, facts, startedAtMs, everyMs }: BackoffOptions): number | null {
  if (code === null || !refusals.includes(code)) return null;
  const runs = Math.max(1, 2 * lastRuns(facts, everyMs));
  return startedAtMs + Math.min(longestMs, runs * everyMs) - everyMs / 2;
}

function lastRuns(facts: LastAttempt | undefined, everyMs: number): number {
  const [nextMs = null, lastMs = null] = [facts?.nextAttemptAtMs, facts?.lastVisitAtMs];
  if (nextMs === null || lastMs === null || nextMs <= lastMs) return 0;
  return Math.round((nextMs - lastMs) / everyMs + 0.5);
}
