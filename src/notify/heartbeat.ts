import { FleetError, messageOf } from '../errors.ts';
import type { AttemptOptions } from './notify.ts';

/**
 * Asks a URL (GET), so that somebody else can notice when it is no longer asked. Throws FleetError `mail-unavailable`
 * when the answer is no success; the URL may hold a token, so only its host is ever shown.
 */
export async function sendHeartbeat(url: string, { timeoutMs, signal }: AttemptOptions): Promise<void> {
  const { host } = new URL(url);
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, deadline]), redirect: 'follow' });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`status ${answer.status}`);
  } catch (thrown) {
    signal.throwIfAborted();
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
    const what = deadline.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(cause);
    throw new FleetError({ code: 'mail-unavailable', stage: 'mail', message: `heartbeat ${host}: ${what}` });
  }
}
