import { changedFault, FleetError } from '../../errors.ts';
import { pushPath, type SignedPath } from '../../seal/push.ts';

const adviceOfSpoke =
  'Check that `fleet-health-agent spoke` runs there, and the url of this client; https needs a proxy there.';

const enrolAgain = (client: string): string =>
  `Put the agent.json there that \`fleet-health enroll ${client}\` prints now, and restart its spoke.`;

/** Returns the fault of a client without an enrolment. */
export function keyMissing(client: string): FleetError {
  return new FleetError({
    ...{ client, code: 'spoke-refused', stage: 'login' },
    message: `${client} is not enrolled: nothing proves who answers at its url`,
    advice: enrolAgain(client),
  });
}

/** Replaces the advice of a refused connection, which is about sshd. Returns other errors unchanged. */
export function dialFault(thrown: unknown): unknown {
  if (!(thrown instanceof FleetError) || thrown.code !== 'connect-refused') return thrown;
  return changedFault(thrown, { advice: adviceOfSpoke });
}

/** A request that failed. */
interface FailedRequest {
  readonly client: string;
  readonly path: SignedPath;
  readonly message: string;
  /** True if the time was over; false if the connection broke. */
  readonly isLate: boolean;
  readonly cause?: unknown;
}

/** Returns the fault of a request without an answer. */
export function requestFault({ client, path, message, isLate, cause }: FailedRequest): FleetError {
  if (path === pushPath && isLate)
    return new FleetError({ client, code: 'agent-timeout', stage: 'agent', message, cause });
  return new FleetError({
    ...{ client, code: 'connect-failed', stage: path === pushPath ? 'agent' : 'connect', message, cause },
    advice: adviceOfSpoke,
  });
}

/** Returns the fault of an answer other than 200. */
export function answerFault(client: string, url: string, status: number | undefined): FleetError {
  const message = `${url} answered ${status ?? 'nothing'}`;
  if (status === 401) {
    const advice = `${enrolAgain(client)} The log of the spoke has the reason.`;
    return new FleetError({ client, code: 'spoke-refused', stage: 'login', message, advice });
  }
  const advice =
    status === 503
      ? 'Another visit is under way there; the next one is answered.'
      : 'Check that `fleet-health-agent spoke` answers at the url of this client, and its log.';
  return new FleetError({ client, code: 'connect-failed', stage: 'connect', message, advice });
}

/** Returns the fault of an answer whose MAC is wrong. */
export function strangerFault(client: string, url: string): FleetError {
  return new FleetError({
    ...{ client, code: 'spoke-refused', stage: 'login' },
    message: `${url} answered without the key of ${client}`,
    advice: 'Something else answers there, or the answer was changed on the way: check the url.',
  });
}
