import type { IncomingMessage } from 'node:http';

import { withoutSecrets } from '../../platform/errors/revealed-secrets.ts';
import { decodeText, oneLine } from '../../text/plain-text.ts';
import { cut } from '../../text/text-columns.ts';
import { within } from '../within.ts';
import { dialUrl, requestOn, type Dialed } from './dial-url.ts';
import type { WrittenProxy } from './proxy.ts';

/** The target of a post, and its TLS and time settings. */
export interface PostTarget {
  readonly url: URL;
  /** The authorities for the server's certificate; null: those of Node.js. */
  readonly ca: Buffer | null;
  readonly proxy: WrittenProxy;
  readonly timeoutMs: number;
}

export interface PostRequest {
  /** Default: POST. */
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** True if the body of a 2xx answer is read too. Default: false. */
  readonly readsBody?: boolean;
  readonly signal: AbortSignal;
  /** Awaited after the connection is established and before the first byte of the request. See SendOptions. */
  readonly onDataBegun: () => Promise<void>;
}

export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  /** The beginning of the body; empty after 2xx unless `readsBody`. */
  readonly body: string;
}

/** The receiver was not reached, and nothing was sent. `cause` has the reason. */
export class NotConnected extends Error {}

/** The most characters of an answer that are kept as the reason of a refusal. */
const maxWords = 300;

/** Returns the body of an answer as words for people: the beginning, on one line, without secrets. */
export function answerWords(body: string): string {
  return cut(oneLine(withoutSecrets(body)), maxWords);
}

/** The most bytes of a body. Gotify and Telegram repeat the message, with characters as escapes of six bytes. */
const maxBodyBytes = 65_536;
/** The time for the body of an answer whose status is known. */
const bodyMs = 2_000;

/**
 * Sends a body with node:http instead of fetch. fetch of Node 20 accepts a custom authority only with undici's
 * dispatcher, which is no part of Node. It also does not report the established connection, so `onDataBegun` could only
 * run before it. Follows no redirect.
 *
 * Throws NotConnected, TooLong, the signal's reason, the error of `onDataBegun`, or the error of the connection.
 */
export async function post(target: PostTarget, request: PostRequest): Promise<PostAnswer> {
  const { timeoutMs } = target;
  const { signal } = request;
  const ending = new AbortController();
  try {
    return await within(
      { timeoutMs, signal },
      () => ending.abort(),
      async (clock) => {
        const dialed = await dial(target, ending.signal);
        clock.pause();
        await request.onDataBegun();
        if (dialed.socket.destroyed)
          throw new NotConnected('not connected', { cause: new Error('the connection ended') });
        clock.now('waiting for its answer', timeoutMs);
        const body = Buffer.from(request.body);
        const headers = { ...request.headers, connection: 'close', 'content-length': body.length };
        const { method = 'POST' } = request;
        const response = await requestOn(dialed, target.url, { method, headers, body });
        return await answerOf(response, request.readsBody ?? false);
      },
    );
  } finally {
    ending.abort();
  }
}

/** Connects, TLS included, and disconnects. Throws as `post` does. */
export async function tryConnection(target: PostTarget, signal: AbortSignal): Promise<void> {
  const ending = new AbortController();
  try {
    await within(
      { timeoutMs: target.timeoutMs, signal },
      () => ending.abort(),
      () => dial(target, ending.signal),
    );
  } finally {
    ending.abort();
  }
}

async function dial({ url, ca, proxy }: PostTarget, signal: AbortSignal): Promise<Dialed> {
  try {
    return await dialUrl(url, { ca, proxy, signal });
  } catch (thrown) {
    throw new NotConnected('not connected', { cause: thrown });
  }
}

async function answerOf(response: IncomingMessage, readsBody: boolean): Promise<PostAnswer> {
  const { statusCode: status = 0, headers } = response;
  const retryAfter = headers['retry-after'] ?? null;
  const isRead = readsBody || status < 200 || status > 299;
  if (!isRead) response.resume().on('error', () => undefined);
  return { status, retryAfter, body: isRead ? await beginningOf(response) : '' };
}

/** Reads the beginning of the body. If the answer breaks off or is too slow, returns the part that has arrived. */
function beginningOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (): void => {
      clearTimeout(timer);
      resolve(decodeText(Buffer.concat(chunks).subarray(0, maxBodyBytes)));
    };
    const timer = setTimeout(done, bodyMs);
    response.on('data', (chunk: Buffer) => {
      if (size < maxBodyBytes) chunks.push(chunk);
      size += chunk.length;
      if (size >= maxBodyBytes) done();
    });
    response.on('error', done).on('close', done);
  });
}
