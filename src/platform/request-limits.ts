import type { IncomingMessage, ServerResponse } from 'node:http';

import { secondMs } from './units.ts';

/** The time limit for a body, from its headers on. */
const bodyMs = 5 * secondMs;
/** The time limit for the body of an authenticated sender, whose link may be slow. */
export const provenBodyMs: number = 60 * secondMs;
/** The time limit after the body for reading the answer. Streams of events are exempt. */
const readMs = 30 * secondMs;

const limits = new WeakMap<IncomingMessage, () => void>();

/**
 * Ends a request whose body does not arrive in time, or whose answer nobody reads. Replaces earlier limits of the
 * request.
 */
export function limitRequest(incoming: IncomingMessage, outgoing: ServerResponse, maxBodyMs = bodyMs): void {
  limits.get(incoming)?.();
  const body = setTimeout(() => {
    if (!incoming.complete) endLate(incoming, outgoing);
  }, maxBodyMs);
  const answer = setTimeout(() => {
    if (outgoing.getHeader('content-type')?.toString().startsWith('text/event-stream') !== true) outgoing.destroy();
  }, maxBodyMs + readMs);
  const clear = (): void => {
    clearTimeout(body);
    clearTimeout(answer);
  };
  limits.set(incoming, clear);
  outgoing.once('close', clear);
}

function endLate({ socket }: IncomingMessage, { headersSent }: ServerResponse): void {
  if (socket.writable && !headersSent) socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
  socket.destroySoon();
}
