import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { boundAnswer } from '../../platform/bound-answer.ts';
import { asError, within } from '../within.ts';

/** The target of a post, and its TLS and time settings. */
export interface PostTarget {
  readonly url: URL;
  /** The authorities for the server's certificate; null: those of Node.js. */
  readonly ca: Buffer | null;
  readonly timeoutMs: number;
}

export interface PostRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
  /** Awaited after the connection is established and before the first byte of the request. See SendOptions. */
  readonly onDataBegun: () => Promise<void>;
}

export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | null;
  /** The beginning of the body; empty after 2xx, whose body is not read. */
  readonly body: string;
}

/** The receiver was not reached, and nothing was sent. `cause` has the reason. */
export class NotConnected extends Error {}

/** The most bytes of a body, far more than is shown. */
const mostBodyBytes = 4_096;
/** The time for the body of an answer whose status is known. */
const bodyMs = 2_000;

/**
 * Posts a body with node:http instead of fetch. fetch of Node 20 accepts a custom authority only with undici's
 * dispatcher, which is no part of Node. It also does not report the established connection, so `onDataBegun` could only
 * run before it. Follows no redirect, and uses no proxy.
 *
 * Throws NotConnected, TooLong, the signal's reason, the error of `onDataBegun`, or the error of the connection.
 */
export async function post(target: PostTarget, request: PostRequest): Promise<PostAnswer> {
  const { timeoutMs } = target;
  const { signal } = request;
  let socket: Socket | null = null;
  const hangUp = (): void => void socket?.destroy();
  try {
    return await within({ timeoutMs, signal }, hangUp, async (clock) => {
      socket = dial(target);
      await connected(socket, target.url);
      clock.pause();
      await request.onDataBegun();
      if (socket.destroyed) throw new NotConnected('not connected', { cause: new Error('the connection ended') });
      clock.now('waiting for its answer', timeoutMs);
      return await exchange(socket, target.url, request);
    });
  } finally {
    hangUp();
  }
}

/** Connects, TLS included, and disconnects. Throws as `post` does. */
export async function tryConnection(target: PostTarget, signal: AbortSignal): Promise<void> {
  let socket: Socket | null = null;
  const hangUp = (): void => void socket?.destroy();
  try {
    await within({ timeoutMs: target.timeoutMs, signal }, hangUp, async () => {
      socket = dial(target);
      await connected(socket, target.url);
    });
  } finally {
    hangUp();
  }
}

function dial({ url, ca }: PostTarget): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isTls = url.protocol === 'https:';
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
  if (!isTls) return connectTcp({ host, port, autoSelectFamily: true });
  const name = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ host, port, ...name, ALPNProtocols: ['http/1.1'], ...(ca === null ? {} : { ca }) });
}

function connected(socket: Socket, { protocol }: URL): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (thrown: unknown): void => reject(new NotConnected('not connected', { cause: thrown }));
    // The socket may break while it has no other listener.
    socket.on('error', fail);
    socket.once('close', () => fail(new Error('the connection ended')));
    socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', resolve);
  });
}

function exchange(socket: Socket, url: URL, { headers, body }: PostRequest): Promise<PostAnswer> {
  const bytes = Buffer.from(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      method: 'POST',
      createConnection: () => socket,
      host: url.hostname,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, connection: 'close', 'content-length': bytes.length },
    });
    boundAnswer(request);
    let answered = false;
    const fail = (thrown: unknown): void => {
      if (!answered) reject(asError(thrown));
    };
    request.on('error', fail).on('close', () => fail(new Error('the connection ended')));
    request.on('response', (response) => {
      answered = true;
      void answerOf(response).then(resolve, reject);
    });
    request.end(bytes);
  });
}

async function answerOf(response: IncomingMessage): Promise<PostAnswer> {
  const { statusCode: status = 0, headers } = response;
  const retryAfter = headers['retry-after'] ?? null;
  const isTaken = status >= 200 && status < 300;
  if (isTaken) response.resume().on('error', () => undefined);
  return { status, retryAfter, body: isTaken ? '' : await beginningOf(response) };
}

/** Reads the beginning of the body. If the answer breaks off or is too slow, returns the part that has arrived. */
function beginningOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (): void => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).subarray(0, mostBodyBytes).toString('utf8'));
    };
    const timer = setTimeout(done, bodyMs);
    response.on('data', (chunk: Buffer) => {
      if (size < mostBodyBytes) chunks.push(chunk);
      size += chunk.length;
      if (size >= mostBodyBytes) done();
    });
    response.on('error', done).on('close', done);
  });
}
