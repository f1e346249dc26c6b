import { asFleetError, FleetError, type Stage } from '../../errors.ts';
import { withDeadline } from '../../platform/deadline.ts';

export interface TimedSignalOptions {
  readonly timeoutMs: number;
  /** Makes the reason at the end of the time. */
  readonly late: () => FleetError;
  /** Aborts the signal before its time. */
  readonly parent: AbortSignal;
  /** Makes the reason when the parent is aborted. Default: the parent's reason. */
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

/** Work that ignores its aborted signal is left behind after this. */
const graceMs = 250;

/** Resolves with the work. Rejects with the reason of the signal a little after its abort if the work ignores that. */
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

/** Returns the fault of a visit: the reason of its signal if that is aborted, else what was thrown. */
export function faultAtDeadline(thrown: unknown, signal: AbortSignal, stage: Stage, client: string): FleetError {
  const reason: unknown = signal.reason;
  if (!signal.aborted || !(reason instanceof FleetError)) {
    return asFleetError(thrown, { code: 'internal', stage, client });
  }
  const { code, message, advice } = reason;
  const where = thrown instanceof FleetError && thrown !== reason ? thrown.stage : stage;
  return new FleetError({ code, stage: where, message, advice, client, cause: thrown });
}
