import type { IncomingMessage } from 'node:http';

import { errnoOf } from '../../platform/errors/errors.ts';
import { headerText } from '../../text/plain-text.ts';
import { describeSize } from '../../text/numbers.ts';
import { dialUrl, requestOn } from './dial-url.ts';
import { ProxyFault, type WrittenProxy } from './proxy.ts';

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
export async function getStatus(url: URL, request: StatusRequest): Promise<number> {
  return await follow(url, request, ({ statusCode = 0 }) => Promise.resolve(statusCode));
}

/**
 * Does what `getStatus` does, and returns the body too. Follows redirects to the same host alone. Rejects if the body
 * has more bytes than `maxBytes`, is compressed, or arrives in tiny parts, of which each costs CPU.
 */
export async function getBody(
  url: URL,
  { maxBytes, ...request }: StatusRequest & { readonly maxBytes: number },
): Promise<{ readonly status: number; readonly body: Buffer }> {
  return await follow(url, { ...request, toSameHost: true }, async (response) => {
    const encoding = response.headers['content-encoding'] ?? 'identity';
    if (!/^identity$/i.test(encoding)) throw new OddAnswer('the answer is compressed, which was not asked for');
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new OddAnswer(`the answer has more than ${describeSize(maxBytes)}`);
      chunks.push(chunk);
      if (response.socket.bytesRead > maxBytesAround + 2 * bytes)
        throw new OddAnswer('the answer comes in parts of a few bytes');
    }
    return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) };
  });
}

/** The most bytes on the way besides twice those of the body: headers, and bytes that have not been read yet. */
const maxBytesAround = 256 * 1024;

/** An answer that is not read. Its message has nothing of the answer. */
class OddAnswer extends Error {}

/** Returns the system's code of an error of a request, or our own words. Other messages may repeat the URL. */
export function requestFaultWords(thrown: unknown): string {
  if (thrown instanceof ProxyFault || thrown instanceof OddAnswer) return thrown.message;
  return errnoOf(thrown) ?? 'the request failed';
}

async function follow<T>(
  url: URL,
  { headers, toSameHost = false, ...request }: StatusRequest & { readonly toSameHost?: boolean },
  take: (response: IncomingMessage) => Promise<T>,
): Promise<T> {
  let [target, own] = [url, headers];
  for (let count = 0; count <= maxRedirects; count += 1) {
    const dialed = await dialUrl(target, { ca: null, ...request });
    try {
      const all = { accept: '*/*', 'user-agent': 'fleet-health', ...own };
      const response = await requestOn(dialed, target, { method: 'GET', headers: all });
      const { location } = response.headers;
      if (!redirects.includes(response.statusCode ?? 0) || location === undefined) return await take(response);
      const next = new URL(headerText(location), target);
      if (!/^https?:$/.test(next.protocol)) throw new Error('a redirect to no web address');
      // The name of the other host may be a secret.
      if (toSameHost && next.hostname !== url.hostname)
        throw new OddAnswer('it redirects to another host: give that one');
      if (next.origin !== target.origin) own = {};
      target = next;
    } finally {
      dialed.socket.destroy();
    }
  }
  throw new Error(`more than ${maxRedirects} redirects`);
}
