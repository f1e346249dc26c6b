import type { IncomingMessage } from 'node:http';

import type { Answerer } from '../answer.ts';
import { routeOf, type ServedRoute } from '../routes.ts';
import type { Visitor } from '../visitor.ts';
import type { PingToken } from '../tokens.ts';
import type { EventEndpoint } from './event-endpoint.ts';
import { refusedAsJson, jsonAnswer, senderAddress, takeText } from './events-route.ts';

interface EventPingOptions {
  readonly endpoint: EventEndpoint;
  readonly visitorOf: (request: IncomingMessage) => Visitor;
  /** Returns the service and host of a token of `events url`; null for any other token. */
  readonly pingOf: (token: string) => PingToken | null;
}

/** The events of a ping, by the word behind its token. No rule evaluates the event of `start`. */
const events: Readonly<Record<string, (of: PingToken) => object>> = {
  done: (of) => ({ ...of, status: 'OK', description: 'pinged' }),
  fail: (of) => ({ ...of, status: 'CRIT', description: 'pinged as failed' }),
  start: ({ service, host }) => ({ started: service, host }),
};

/**
 * Returns the routes of events by GET, for senders that can do no more. The token in the path determines the service
 * and the host.
 */
export function eventPingRoutes({ endpoint, visitorOf, pingOf }: EventPingOptions): readonly ServedRoute[] {
  const answer: Answerer = async ({ incoming, parts: { token = '', what = 'done' } }) => {
    const of = pingOf(token);
    const make = Object.hasOwn(events, what) ? events[what] : undefined;
    if (of === null || make === undefined) return jsonAnswer(404, 'There is no such ping');
    return await takeText(endpoint, JSON.stringify(make(of)), senderAddress(visitorOf(incoming)));
  };
  return (['eventPing', 'eventPingOf'] as const).map((name) => routeOf(name, answer, { refused: refusedAsJson }));
}
