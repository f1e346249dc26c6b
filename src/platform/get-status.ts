import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

import { boundAnswer } from './bound-answer.ts';

const mostRedirects = 5;
const redirects: readonly number[] = [301, 302, 303, 307, 308];

type Headers = Readonly<Record<string, string>>;

/**
 * Requests a URL (GET) and returns the status of the answer. Follows redirects; the headers go to the origin of the URL
 * alone. Does not read the body. Rejects with the network's error, or if the signal is aborted.
 */
export async function getStatus(url: URL, headers: Headers, signal: AbortSignal): Promise<number> {
  let [target, own] = [url, headers];
  for (let count = 0; count <= mostRedirects; count += 1) {
    const { status, location } = await ask(target, own, signal);
    if (!redirects.includes(status) || location === null) return status;
    const next = new URL(location, target);
    if (next.origin !== target.origin) own = {};
    target = next;
  }
  throw new Error(`more than ${mostRedirects} redirects`);
}

interface Answered {
  readonly status: number;
  /** The header of a redirect; null if the answer has none. */
  readonly location: string | null;
}

function ask(url: URL, headers: Headers, signal: AbortSignal): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const usual = { accept: '*/*', 'user-agent': 'fleet-health' };
    const sent = boundAnswer(send(url, { agent: false, signal, headers: { ...usual, ...headers } }));
    sent.on('error', reject).on('close', () => reject(new Error('the connection ended')));
    // After an upgrade Node reports neither an end nor a fault.
    sent.on('upgrade', (_answer, socket) => socket.destroy());
    sent.on('response', (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      resolve({ status, location: answered.location ?? null });
      response.destroy();
    });
    sent.end();
  });
}
