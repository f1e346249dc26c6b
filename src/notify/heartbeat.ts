import { FleetError } from '../platform/errors/errors.ts';
import { withTimeout } from '../platform/deadline.ts';
import type { HeartbeatConfig } from '../config/config.ts';
import { getStatus, requestFaultWords } from './http/get-status.ts';
import type { AttemptOptions } from './notify.ts';
import { takeLogin } from './http/url-login.ts';

/** Requests every URL at the same time. Returns the faults. Throws only the signal's reason. */
export async function sendHeartbeats(
  heartbeats: readonly HeartbeatConfig[],
  options: AttemptOptions,
): Promise<readonly FleetError[]> {
  const answers = await Promise.allSettled(
    heartbeats.map(({ url, proxy }) => sendHeartbeat(url, { ...options, proxy })),
  );
  const thrown = answers.flatMap((answer): unknown[] => (answer.status === 'rejected' ? [answer.reason] : []));
  return thrown.map((one) => {
    if (one instanceof FleetError && one.code === 'mail-unavailable') return one;
    throw one;
  });
}

/**
 * Requests a URL (GET), so that another service can notice when the requests stop. A name and password in the URL are
 * sent as HTTP Basic authentication (RFC 7617). Throws FleetError `mail-unavailable` if the status is no success, or
 * the signal's reason. The URL may contain a token, so only its host is ever shown.
 */
export async function sendHeartbeat(
  url: string,
  { timeoutMs, signal, proxy = null }: AttemptOptions & Partial<Pick<HeartbeatConfig, 'proxy'>>,
): Promise<void> {
  signal.throwIfAborted();
  const target = URL.canParse(url) ? new URL(url) : null;
  if (target === null) throw fault('<heartbeat>', 'the url is none');
  // Errors may repeat the URL.
  const headers = takeLogin(target);
  let isLate = false;
  const status = await withTimeout({ timeoutMs, signal }, async (limit) => {
    limit.addEventListener('abort', () => (isLate = true));
    return await getStatus(target, { headers, proxy, signal: limit });
  }).catch((thrown: unknown) => {
    signal.throwIfAborted();
    throw fault(target.host, isLate ? `no answer within ${timeoutMs / 1000} s` : requestFaultWords(thrown));
  });
  if (status < 200 || status > 299) throw fault(target.host, `status ${status}`);
}

function fault(host: string, what: string): FleetError {
  return new FleetError({
    code: 'mail-unavailable',
    stage: 'mail',
    message: `heartbeat ${host}: ${what}`,
    advice: 'Check the url of <heartbeat> and the network.',
  });
}
