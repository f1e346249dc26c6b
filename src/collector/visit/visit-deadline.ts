import { asFleetError, FleetError, type Stage } from '../../errors.ts';
import { withDeadline } from '../../platform/deadline.ts';

export interface TimedSignalOptions {
  readonly timeoutMs: number;
  /** Creates the reason of the abort at the deadline. */
  readonly late: () => FleetError;
  /** The signal whose abort also aborts this one. */
  readonly parent: AbortSignal;
  /** Creates the reason of the abort if the parent is aborted. Default: the parent's reason. */
  readonly aborted?: () => unknown;
}

export type TimedSignal = ReturnType<typeof startTimedSignal>;

/**
 * Starts a signal that is aborted with a FleetError at a deadline, or with its parent. The caller has to call `end`.
 */
export function startTimedSignal({ timeoutMs, late, parent, aborted }: TimedSignalOptions) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(late()), timeoutMs);
  const onAbort = (): void => controller.abort(aborted === undefined ? parent.reason : aborted());
  if (parent.aborted) onAbort();
  else parent.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    /** Frees the timer and the listener. */
    end: (): void => {
      clearTimeout(timer);
      parent.removeEventListener('abort', onAbort);
    },
  };
}

/** The time after which work that ignores its aborted signal is abandoned. */
const graceMs = 250;

/** Resolves with the work. Rejects with the signal's reason a little after the abort if the work ignores it. */
export async function raceSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return await withDeadline({ late: () => signal.reason as Error }, async (grace) => {
    const onAbort = (): void => grace.restart(graceMs);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await work;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  });
}

/** Returns the fault of a visit: the reason of its signal if the signal is aborted, otherwise the thrown error. */
export function faultAtDeadline(thrown: unknown, signal: AbortSignal, stage: Stage, client: string): FleetError {
  const reason: unknown = signal.reason;
  if (!signal.aborted || !(reason instanceof FleetError)) {
    return asFleetError(thrown, { code: 'internal', stage, client });
  }
  const { code, message, advice } = reason;
  const where = thrown instanceof FleetError && thrown !== reason ? thrown.stage : stage;
  return new FleetError({ code, stage: where, message, advice, client, cause: thrown });
}
