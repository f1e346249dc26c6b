import { dialUrl, requestOn } from './dial-url.ts';
import type { WrittenProxy } from './proxy.ts';

const maxRedirects = 5;
const redirects: readonly number[] = [301, 302, 303, 307, 308];

export interface StatusRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly proxy: WrittenProxy;
  readonly signal: AbortSignal;
}

/**
 * Requests a URL (GET) and returns the status of the answer. Follows redirects; the headers go to the origin of the URL
 * alone. Does not read the body. Rejects with the error of the network or the proxy, or if the signal is aborted.
 */
export async function getStatus(url: URL, { headers, ...request }: StatusRequest): Promise<number> {
  let [target, own] = [url, headers];
  for (let count = 0; count <= maxRedirects; count += 1) {
    const { status, location } = await ask(target, { ...request, headers: own });
    if (!redirects.includes(status) || location === null) return status;
    const next = new URL(location, target);
    if (!/^https?:$/.test(next.protocol)) throw new Error('a redirect to no web address');
    if (next.origin !== target.origin) own = {};
    target = next;
  }
  throw new Error(`more than ${maxRedirects} redirects`);
}

interface Answered {
  readonly status: number;
  /** The header of a redirect; null if the answer has none. */
  readonly location: string | null;
}

async function ask(url: URL, { headers, proxy, signal }: StatusRequest): Promise<Answered> {
  const dialed = await dialUrl(url, { ca: null, proxy, signal });
  try {
    const own = { accept: '*/*', 'user-agent': 'fleet-health', ...headers };
    const response = await requestOn(dialed, url, { method: 'GET', headers: own });
    return { status: response.statusCode ?? 0, location: response.headers.location ?? null };
  } finally {
    dialed.socket.destroy();
  }
}
