import type { IncomingMessage } from 'node:http';
import { isUtf8 } from 'node:buffer';
import { decodeText } from '../../../text/plain-text.ts';

import type { Answer } from '../answer.ts';
import { routeOf, type ServedRoute } from '../routes.ts';
import { isLoopback, type Visitor } from '../visitor.ts';
import type { EventEndpoint, Outcome } from './event-endpoint.ts';
import { readBody } from '../read-body.ts';

const maxBytes = 64 * 1024;
/** A slightly too large body is read to its end, so that the sender reads the answer. */
const maxSkippedBytes = 1024 * 1024;

const jsonType = 'application/json';

/** Returns an answer of the endpoints: JSON with a message, and whether the request succeeded. */
export function jsonAnswer(status: number, message: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = `${JSON.stringify({ message, result: status === 200 })}\n`;
  return { status, body, headers: { 'Content-Type': jsonType, 'Cache-Control': 'no-store', ...headers } };
}

/** Converts a refusal in plain text into an answer of the endpoints. */
export function refusedAsJson({ status, body, headers }: Answer): Answer {
  return jsonAnswer(status, Buffer.from(body).toString('utf8').trim(), { ...headers, 'Content-Type': jsonType });
}

const closing = { Connection: 'close' } as const;

const answers: Readonly<Record<Outcome, () => Answer>> = {
  received: () => jsonAnswer(200, 'Event received'),
  'not-allowed': () => jsonAnswer(403, 'Events of this address are not taken', closing),
  'no-json': () => jsonAnswer(400, 'The body is no JSON, is deeper than 64 levels, or has more than 1,000 events'),
  'too-many': () => jsonAnswer(503, 'Too many events of this address', { 'Retry-After': '60' }),
};

/** Returns the route of events by POST, whatever the Content-Type. Answers when the events are durable. */
export function eventsRoute(endpoint: EventEndpoint, visitorOf: (request: IncomingMessage) => Visitor): ServedRoute {
  return routeOf(
    'events',
    async ({ incoming }) => {
      const address = senderAddress(visitorOf(incoming));
      if (!endpoint.allows(address)) return answers['not-allowed']();
      // Browsers send Origin: a foreign page could send events through the browser of its reader.
      if (incoming.headers.origin !== undefined)
        return jsonAnswer(403, 'Pages of the web send no events here', closing);
      const length = incoming.headers['content-length'];
      if (length === undefined) return jsonAnswer(411, 'Content-Length is needed', closing);
      if (Number(length) > maxBytes) {
        if (Number(length) <= maxSkippedBytes) await readBody(incoming, 0);
        return jsonAnswer(413, `A body has at most ${maxBytes} bytes`, closing);
      }
      const body = await readBody(incoming, maxBytes);
      if (!isUtf8(body)) return jsonAnswer(400, 'The body is no UTF-8');
      return await takeText(endpoint, decodeText(body), address);
    },
    { refused: refusedAsJson },
  );
}

/** Stores the events of a text, and answers when they are durable. */
export async function takeText(endpoint: EventEndpoint, text: string, address: string): Promise<Answer> {
  try {
    return answers[await endpoint.take(text, address)]();
  } catch {
    // The disk is full, or too many events wait. The sender keeps the event.
    return jsonAnswer(503, 'Events cannot be stored now', { 'Retry-After': '5' });
  }
}

/** Returns the address of a sender; `unknown` behind a proxy of this machine that config.xml does not name. */
export function senderAddress({ address, isLocal }: Visitor): string {
  return isLoopback(address) && !isLocal ? 'unknown' : address;
}
