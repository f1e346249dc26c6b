const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The parts of a client's state that are read. */
export type StateParts = 'yes' | 'no-files' | 'no';

/** The most attempts of a day for a stamp that differs. */
export const attemptsPerDay = 12;
/** The attempts of a day beyond these, for alerts and after boots: a restless file cannot use them up. */
export const furtherAttemptsPerDay = 6;

interface StateDueOptions {
  /** The facts of earlier attempts; undefined for a client that was never seen. */
  readonly facts: AttemptFacts | undefined;
  /** The stamp of now; null if the agent made none. */
  readonly stamp: string | null;
  /** True if the client was booted since its last visit. */
  readonly booted: boolean;
  readonly nowMs: number;
}

export interface AttemptFacts {
  /** The stamp at the newest state report; null before the first. */
  readonly stateStamp: string | null;
  /** The time of the newest attempt, and the number of attempts of its day, UTC. */
  readonly stateAtMs: number | null;
  readonly stateRuns: number;
  /** The time at which an alert last asked for a state report. */
  readonly stateWantedAtMs: number | null;
}

/**
 * Returns the number of this day's attempts with a state report that is due now; null if none is. A state report is due
 * at the first visit, once a day, after a boot, if the stamp differs, and once an hour for an alert. An agent without a
 * stamp makes none.
 */
export function stateAttempt({ facts, stamp, booted, nowMs }: StateDueOptions): number | null {
  if (stamp === null) return null;
  const { stateStamp = null, stateAtMs = null, stateRuns = 0, stateWantedAtMs = null } = facts ?? {};
  if (stateAtMs === null) return 1;
  const isSameDay = Math.floor(stateAtMs / dayMs) === Math.floor(nowMs / dayMs);
  const attempt = isSameDay ? stateRuns + 1 : 1;
  const sinceMs = nowMs - stateAtMs;
  const isOld = sinceMs >= dayMs || sinceMs < 0;
  const isWanted = stateWantedAtMs !== null && stateWantedAtMs >= stateAtMs && sinceMs >= hourMs;
  if ((booted || isWanted) && attempt <= attemptsPerDay + furtherAttemptsPerDay) return attempt;
  return (isOld || stamp !== stateStamp) && attempt <= attemptsPerDay ? attempt : null;
}
