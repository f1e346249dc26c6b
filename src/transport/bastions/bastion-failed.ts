import { FleetError } from '../../errors.ts';

/** Returns the fault of a bastion as the machines behind it report it. */
export function bastionFailed(bastion: string, cause: FleetError): FleetError {
  // An earlier bastion failed: the error already names it.
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

/** Returns a fault as the fault of the visit to one client. */
export function ofClient(fault: FleetError, client: string): FleetError {
  const { code, stage, message, advice, retryable } = fault;
  return new FleetError({ client, code, stage, message, advice, retryable, cause: fault });
}
