/** src/transport/connection: sockets, local machine, one exec. */
import { changedFault, FleetError, type Stage } from '../../platform/errors/errors.ts';

/**
 * Returns the error of a visit whose signal was aborted. Keeps the code and the message if the signal's reason is a
 * FleetError (`interrupted`, `visit-deadline` ...), and adds the stage that the visit had reached.
 */
export function abortedError(signal: AbortSignal, stage: Stage, client: string | null): FleetError {
  const reason: unknown = signal.reason;
  if (reason instanceof FleetError) return changedFault(reason, { client, stage });
  return new FleetError({ client, code: 'visit-deadline', stage, message: 'the visit was ended', cause: reason });
}
