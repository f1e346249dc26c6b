import { once } from 'node:events';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps, type RequestOptions } from 'node:https';

import { boundAnswer } from '../../platform/bound-answer.ts';
import { withTimeout } from '../../platform/deadline.ts';
import { secondMs } from '../../platform/units.ts';

/** The status and the clock of the answer to a GET. */
interface PlainAnswer {
  readonly status: number | undefined;
  /** The header `Date`, in milliseconds since 1970; null if the answer has none. */
  readonly dateMs: number | null;
}

const timeoutMs = 10 * secondMs;

/** Requests a URL and leaves the body unread. Rejects with the network's error, or at the deadline. */
export async function plainAnswer(url: URL, signal: AbortSignal, options: RequestOptions = {}): Promise<PlainAnswer> {
  return await withTimeout({ timeoutMs, signal }, async (limit) => {
    const ask = url.protocol === 'https:' ? requestHttps : requestHttp;
    const sent = ask(url, { ...options, agent: false, signal: limit });
    boundAnswer(sent);
    const answers = ['response', 'upgrade'].map((event) => once(sent, event, { signal: limit }));
    sent.end();
    const [response] = (await Promise.race(answers)) as [IncomingMessage];
    const dateMs = Date.parse(response.headers.date ?? '');
    response.destroy();
    return { status: response.statusCode, dateMs: Number.isNaN(dateMs) ? null : dateMs };
  });
}
