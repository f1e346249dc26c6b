import { FleetError, type ErrorCode } from '../../errors.ts';
import type { ClientFacts } from '../../storage/store/storage.ts';
import { hourMs } from '../../platform/units.ts';

const longestMs = hourMs;

/** Refused logins lock accounts and fill the client's log: these alone are not repeated at every run. */
const refusals: readonly string[] = ['auth-failed'] satisfies readonly ErrorCode[];

/**
 * The code that decides how long a client is left alone: its own, or that of the machine on the way which failed. A
 * refused login there is remembered with every client behind it, so that the bastion is asked as rarely as a client.
 */
export function decidingCode(fault: FleetError | null): string | null {
  let deciding: unknown = fault;
  while (deciding instanceof FleetError && deciding.code === 'bastion-failed' && deciding.cause instanceof FleetError) {
    deciding = deciding.cause;
  }
  return deciding instanceof FleetError ? deciding.code : null;
}

export type LastAttempt = Pick<ClientFacts, 'lastVisitAtMs' | 'nextAttemptAtMs'>;

export interface HeldBackQuestion {
  readonly facts: (LastAttempt & Pick<ClientFacts, 'attemptDigest'>) | undefined;
  readonly nowMs: number;
  /** Of config.xml as it is now. */
  readonly configDigest: string;
  /** When a file that holds a credential of the client was changed last; null: there is none. */
  readonly credentialsChangedAtMs: () => number | null;
}

/**
 * Whether a client must be left alone in this run. What was changed since it refused the login ends its pause: config.xml
 * or a file with a credential. A time beyond the longest pause is a clock that was wrong.
 */
export function isHeldBack(question: HeldBackQuestion): boolean {
  const { facts, nowMs } = question;
  const nextMs = facts?.nextAttemptAtMs ?? null;
  if (nextMs === null || nextMs <= nowMs || nextMs - nowMs > longestMs) return false;
  const digest = facts?.attemptDigest ?? null;
  if (digest !== null && digest !== question.configDigest) return false;
  const changedMs = question.credentialsChangedAtMs();
  const lastMs = facts?.lastVisitAtMs ?? null;
  // A file of the future would end every pause.
  return changedMs === null || lastMs === null || changedMs <= lastMs || changedMs > nowMs;
}

export interface BackoffOptions {
  /** What the visit ended with, as `decidingCode` has it; null: it went well. */
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
