import { asFleetError, FleetError, type Stage } from '../../platform/errors/errors.ts';
import { withDeadline } from '../../platform/deadline.ts';

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
