import type { IncomingMessage } from 'node:http';
import { isUtf8 } from 'node:buffer';

import type { Answer } from '../answer.ts';
import type { Route } from '../routes.ts';
import { isLoopback, type Visitor } from '../visitor.ts';
import type { EventEndpoint, Outcome } from './event-endpoint.ts';

const mostBytes = 64 * 1024;
/** A body that is a little too large is read to its end, so that the sender gets to read the answer. */
const mostSkippedBytes = 1024 * 1024;

const jsonType = 'application/json';

/** Returns an answer of the endpoints: JSON with a message, and whether it was done. */
export function jsonAnswer(status: number, message: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = `${JSON.stringify({ message, result: status === 200 })}\n`;
  return { status, body, headers: { 'Content-Type': jsonType, 'Cache-Control': 'no-store', ...headers } };
}

/** Returns a refusal in words as an answer of the endpoints. */
export function refusedAsJson({ status, body, headers }: Answer): Answer {
  return jsonAnswer(status, body.trim(), { ...headers, 'Content-Type': jsonType });
}

const closing = { Connection: 'close' } as const;

const answers: Readonly<Record<Outcome, () => Answer>> = {
  received: () => jsonAnswer(200, 'Event received'),
  'not-allowed': () => jsonAnswer(403, 'Events of this address are not taken', closing),
  'no-json': () => jsonAnswer(400, 'The body is no JSON, or has more than 1,000 events'),
  'too-many': () => jsonAnswer(503, 'Too many events of this address', { 'Retry-After': '60' }),
};

/** Takes events by POST, whatever the Content-Type. Answers when they are durable. */
export function eventsRoute(endpoint: EventEndpoint, visitorOf: (request: IncomingMessage) => Visitor): Route {
  return {
    path: '/events',
    purpose: null,
    isPacked: false,
    isPost: true,
    pool: 'endpoints',
    refused: refusedAsJson,
    answer: async ({ incoming }) => {
      const address = senderAddress(visitorOf(incoming));
      if (!endpoint.allows(address)) return answers['not-allowed']();
      // Browsers say so: the page of a stranger could send events through whoever reads it.
      if (incoming.headers.origin !== undefined)
        return jsonAnswer(403, 'Pages of the web send no events here', closing);
      const length = incoming.headers['content-length'];
      if (length === undefined) return jsonAnswer(411, 'Content-Length is needed', closing);
      if (Number(length) > mostBytes) {
        if (Number(length) <= mostSkippedBytes) await readBody(incoming, 0);
        return jsonAnswer(413, `A body has at most ${mostBytes} bytes`, closing);
      }
      const body = await readBody(incoming, mostBytes);
      if (!isUtf8(body)) return jsonAnswer(400, 'The body is no UTF-8');
      return await takeText(endpoint, body.toString('utf8'), address);
    },
  };
}

/** Takes a text, and answers when its events are durable. */
export async function takeText(endpoint: EventEndpoint, text: string, address: string): Promise<Answer> {
  try {
    return answers[await endpoint.take(text, address)]();
  } catch {
    // The disk is full, or too much waits; the sender keeps the event.
    return jsonAnswer(503, 'Events cannot be stored now', { 'Retry-After': '5' });
  }
}

/** Returns the address of a sender. A proxy of this machine that config.xml does not name brings strangers. */
export function senderAddress({ address, isLocal }: Visitor): string {
  return isLoopback(address) && !isLocal ? 'unknown' : address;
}

/** Reads a body to its end, and returns its first bytes. Throws if the sender breaks off. */
async function readBody(incoming: IncomingMessage, mostKept: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= mostKept) parts.push(part);
  }
  return Buffer.concat(parts);
}
