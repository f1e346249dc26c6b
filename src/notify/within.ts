import { withDeadline } from '../platform/deadline.ts';
import type { AttemptOptions } from './notify.ts';

/** The time limit of an attempt, and the step that the attempt is at. */
export interface Clock {
  /**
   * Sets the current step. `doing` ends the sentence "no answer within 20 s while ...". `timeoutMs` restarts the time;
   * without it the time continues.
   */
  now(doing: string, timeoutMs?: number): void;
  /** Stops the time: the next wait has a deadline of its own. */
  pause(): void;
}

/** The error of an attempt that took too long. */
export class TooLong extends Error {}

/**
 * Runs work until its deadline or until its signal aborts, whatever the work waits for. Then `giveUp` frees the work's
 * resources. Throws the work's error, TooLong, or the signal's reason.
 */
export async function within<T>(
  { timeoutMs, signal }: AttemptOptions,
  giveUp: () => void,
  work: (clock: Clock) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  let [doing, limitMs] = ['connecting', timeoutMs];
  const late = (): Error => {
    giveUp();
    return new TooLong(`no answer within ${Math.ceil(limitMs / 100) / 10} s while ${doing}`);
  };
  const aborted = (reason: unknown): Error => {
    giveUp();
    return asError(reason);
  };
  return await withDeadline({ timeoutMs, signal, late, aborted }, (deadline) =>
    work({
      now: (what, ms) => {
        doing = what;
        if (ms === undefined) return;
        limitMs = ms;
        deadline.restart(ms);
      },
      pause: () => deadline.pause(),
    }),
  );
}

/** Returns a thrown value as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
