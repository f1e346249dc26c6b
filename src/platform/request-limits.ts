import type { IncomingMessage, ServerResponse } from 'node:http';

import { secondMs } from './units.ts';

/** The most time for a body, from its headers on. */
const bodyMs = 5 * secondMs;
/** The same for a sender that has proved who it is: its link may be thin. */
export const provenBodyMs: number = 60 * secondMs;
/** The most time after that to read the answer. Streams of events are exempt. */
const readMs = 30 * secondMs;

const limits = new WeakMap<IncomingMessage, () => void>();

/** Ends a request whose body does not come in time, or whose answer nobody reads. Replaces earlier limits of it. */
export function limitRequest(incoming: IncomingMessage, outgoing: ServerResponse, mostBodyMs = bodyMs): void {
  limits.get(incoming)?.();
  const body = setTimeout(() => {
    if (!incoming.complete) endLate(incoming, outgoing);
  }, mostBodyMs);
  const answer = setTimeout(() => {
    if (outgoing.getHeader('content-type')?.toString().startsWith('text/event-stream') !== true) outgoing.destroy();
  }, mostBodyMs + readMs);
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
