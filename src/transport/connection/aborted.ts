import { FleetError, type Stage } from '../../errors.ts';

/**
 * The error of a visit whose signal was aborted. When the signal's reason is a FleetError (`interrupted`,
 * `visit-deadline` ...) its code and words are kept, with the stage that was reached.
 */
export function abortedError(signal: AbortSignal, stage: Stage, client: string | null): FleetError {
  const reason: unknown = signal.reason;
  const named = client === null ? {} : { client };
  if (reason instanceof FleetError) {
    const { code, message, advice, retryable } = reason;
    return new FleetError({ ...named, code, stage, message, advice, retryable, cause: reason });
  }
  return new FleetError({ ...named, code: 'visit-deadline', stage, message: 'the visit was ended', cause: reason });
}
