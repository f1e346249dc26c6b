import { FleetError, type ErrorCode } from '../../platform/errors/errors.ts';
import { hourMs } from '../../platform/units.ts';
import type { ClientFacts } from '../../storage/store/storage.ts';

const longestMs = hourMs;

/** The only failure that is not repeated in every run: refused logins lock accounts and fill the client's log. */
const refusal: ErrorCode = 'auth-failed';

/**
 * Returns the code that decides how long a client is left alone: its own, or that of the failed bastion. A bastion's
 * refused login is stored with every client behind it, so that logins at the bastion are as rare as at a client.
 */
export function decidingCode(fault: FleetError | null): string | null {
  if (fault?.code === 'bastion-failed' && fault.cause instanceof FleetError) return decidingCode(fault.cause);
  return fault?.code ?? null;
}

export type LastAttempt = Pick<ClientFacts, 'lastVisitAtMs' | 'nextAttemptAtMs'>;

export interface HeldBackQuestion {
  readonly facts: (LastAttempt & Pick<ClientFacts, 'attemptDigest'>) | undefined;
  readonly nowMs: number;
  /** The digest of config.xml as it is now. */
  readonly configDigest: string;
  /** Returns the last change of the files that hold the client's credentials; null if there are none. */
  readonly credentialsChangedAtMs: () => number | null;
}

/**
 * True if a client must be left alone in this run. A change of config.xml or of a credential file since the refused
 * login ends the pause. A time beyond the longest pause comes from a wrong clock.
 */
export function isHeldBack(question: HeldBackQuestion): boolean {
  const { facts, nowMs } = question;
  const nextMs = facts?.nextAttemptAtMs ?? null;
  if (nextMs === null || nextMs <= nowMs || nextMs - nowMs > longestMs) return false;
  const digest = facts?.attemptDigest ?? null;
  if (digest !== null && digest !== question.configDigest) return false;
  const changedMs = question.credentialsChangedAtMs();
  const lastMs = facts?.lastVisitAtMs ?? null;
  // A file with a future time would end every pause.
  return changedMs === null || lastMs === null || changedMs <= lastMs || changedMs > nowMs;
}

export interface BackoffOptions {
  /** The visit's `decidingCode`; null if it succeeded. */
  readonly code: string | null;
  /** The facts before this visit. */
  readonly facts: LastAttempt | undefined;
  readonly startedAtMs: number;
  readonly everyMs: number;
}

/**
 * Returns the earliest time of the next visit: after 1, 2, 4 ... runs, at most an hour. Subtracts half a run, because
 * visits do not begin at the same moment of every run. Returns null for the next run.
 */
export function nextAttemptAtMs({ code, facts, startedAtMs, everyMs }: BackoffOptions): number | null {
  if (code !== refusal) return null;
  const runs = Math.max(1, 2 * lastRuns(facts, everyMs));
  return startedAtMs + Math.min(longestMs, runs * everyMs) - everyMs / 2;
}

function lastRuns(facts: LastAttempt | undefined, everyMs: number): number {
  const [nextMs = null, lastMs = null] = [facts?.nextAttemptAtMs, facts?.lastVisitAtMs];
  if (nextMs === null || lastMs === null || nextMs <= lastMs) return 0;
  return Math.round((nextMs - lastMs) / everyMs + 0.5);
}
