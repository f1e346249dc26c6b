/** src/transport/bastions: machines on the route to others, logged in to once. */
import { changedFault, FleetError, type ErrorCode } from '../../platform/errors/errors.ts';

/** Returns the fault of a bastion as the machines behind it report it. */
export function bastionFailed(bastion: string, cause: FleetError): FleetError {
  // An earlier bastion failed: the error already names it.
  if (cause.code === 'bastion-failed') return cause;
  const { code, message } = cause;
  return changedFault(cause, {
    code: 'bastion-failed',
    message: `bastion ${bastion}: ${message} (${code})`,
    client: null,
  });
}

/** Returns a fault as the fault of the visit to one client. */
export function ofClient(fault: FleetError, client: string): FleetError {
  return changedFault(fault, { client });
}

/** Returns the fault of a bastion that opened no channel to a machine, other than for a failed connect. */
export function notForwarded(
  bastion: string,
  place: string,
  refusal: { readonly answer: string; readonly isProhibited: boolean; readonly cause?: unknown },
): FleetError {
  const { answer, isProhibited, cause } = refusal;
  return new FleetError({
    code: 'channel-failed',
    stage: 'connect',
    message: `${isProhibited ? 'it does not forward' : 'no connection'} to ${place}: ${answer}`,
    retryable: !isProhibited,
    advice: isProhibited
      ? `Allow it in sshd_config of ${bastion}: AllowTcpForwarding, PermitOpen, and the key's restrict option.`
      : `Check the load of ${bastion}.`,
    cause,
  });
}

/** Returns the error code for sshd's message about a failed connect, which contains the system's error text. */
export function dialRefusalCode(message: string): ErrorCode {
  if (/refused/i.test(message)) return 'connect-refused';
  if (/timed? ?out/i.test(message)) return 'connect-timeout';
  if (/not known|name resolution|no address|nodename|resolve/i.test(message)) return 'dns';
  return 'connect-failed';
}
