import { FleetError } from '../../errors.ts';

/** The fault of a machine on the way, as everything behind it tells it. */
export function bastionFailed(bastion: string, cause: FleetError): FleetError {
  // The machine before it failed; it is the one to be named.
  if (cause.code === 'bastion-failed') return cause;
  const { code, stage, message, advice, retryable } = cause;
  return new FleetError({
    code: 'bastion-failed',
    stage,
    message: `bastion ${bastion}: ${message} (${code})`,
    advice,
    retryable,
    cause,
  });
}

/** The same, as the fault of the visit to one client. */
export function ofClient(fault: FleetError, client: string): FleetError {
  const { code, stage, message, advice, retryable } = fault;
  return new FleetError({ client, code, stage, message, advice, retryable, cause: fault });
}
