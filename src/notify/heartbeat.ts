import { FleetError } from '../errors.ts';
import type { AttemptOptions } from './notify.ts';
import { takeLogin } from './url-login.ts';

/** Requests every URL at the same time. Returns the faults. Throws only the signal's reason. */
export async function sendHeartbeats(urls: readonly string[], options: AttemptOptions): Promise<readonly FleetError[]> {
  const answers = await Promise.allSettled(urls.map((url) => sendHeartbeat(url, options)));
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
export async function sendHeartbeat(url: string, { timeoutMs, signal }: AttemptOptions): Promise<void> {
  signal.throwIfAborted();
  const target = URL.canParse(url) ? new URL(url) : null;
  if (target === null) throw fault('<heartbeat>', 'the url is none');
  // fetch refuses a URL with a login, and repeats the URL in its error.
  const headers = takeLogin(target);
  const deadline = AbortSignal.timeout(timeoutMs);
  let answer: Response;
  try {
    answer = await fetch(target, { headers, signal: AbortSignal.any([signal, deadline]) });
    await answer.body?.cancel();
  } catch (thrown) {
    signal.throwIfAborted();
    throw fault(target.host, deadline.aborted ? `no answer within ${timeoutMs / 1000} s` : codeOf(thrown));
  }
  if (!answer.ok) throw fault(target.host, `status ${answer.status}`);
}

/** Returns the system's code of an error. The messages of fetch may repeat the URL. */
function codeOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const { code } = cause as { readonly code?: unknown };
  return typeof code === 'string' ? code : 'the request failed';
}

function fault(host: string, what: string): FleetError {
  return new FleetError({
    code: 'mail-unavailable',
    stage: 'mail',
    message: `heartbeat ${host}: ${what}`,
    advice: 'Check the url of <heartbeat> and the network.',
  });
}
