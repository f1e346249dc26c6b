import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import type { ServeConfig } from '../config/config.ts';
import { assets, livePolicy } from '../page/live/live-document.ts';
import type { Admission } from './admission.ts';
import { type Answer, send, words } from './answer.ts';
import type { EventDoor } from './doors/event-door.ts';
import { eventPingRoutes } from './doors/event-pings.ts';
import { eventsRoute } from './doors/events-route.ts';
import { ownCommand } from './doors/own-command.ts';
import { pingRoute } from './doors/ping-route.ts';
import { type StatusOptions, statusRoute } from './doors/status-route.ts';
import { commonHeaders, createGate, type GateOptions } from './gate.ts';
import type { LiveEvents } from './live-events.ts';
import { sendEvents } from './live-stream.ts';
import { documentRoutes } from './look-documents.ts';
import { type LookOptions, message, pageRoutes } from './look-pages.ts';
import { metricsRoute } from './metrics-route.ts';
import { findRoute, type Route, targetOf } from './routes.ts';
import type { PingToken } from './tokens.ts';
import type { Visitor } from './visitor.ts';

export interface AppOptions {
  readonly serve: ServeConfig;
  readonly look: LookOptions;
  readonly events: LiveEvents;
  /** null: events are not taken. */
  readonly eventDoor: EventDoor | null;
  readonly status: Pick<StatusOptions, 'shownConfig' | 'queued'>;
  /** Takes what clients push; null: nothing is taken. */
  readonly push: Route | null;
  readonly admit: Admission;
  /** Returns what the pings with a token are of; null: it is no token for pings. */
  readonly pingOf: (token: string) => PingToken | null;
  readonly visitorOf: (request: IncomingMessage) => Visitor;
  readonly isFull: GateOptions['isFull'];
  readonly onGuess: (visitor: Visitor) => void;
  /** Ends the programs that answers wait for. */
  readonly signal: AbortSignal;
}

const yearSeconds = 365 * 24 * 3600;

/** Puts the parts of the server together. Each stands behind the limits, and says itself who may see it. */
export function createApp({ serve, look, events, eventDoor, push, status, ...options }: AppOptions): RequestListener {
  const gate = createGate(options);
  const headers = commonHeaders(livePolicy, serve.tls !== null);
  const routes: readonly Route[] = [
    pingRoute({ ...look, own: serve.ping === null ? null : ownCommand(serve.ping, options.signal) }),
    statusRoute({
      serve,
      ...status,
      own: serve.status === null ? null : ownCommand(serve.status, options.signal),
      onFault: look.onFault,
    }),
    ...(eventDoor === null
      ? []
      : [
          eventsRoute(eventDoor, options.visitorOf),
          ...eventPingRoutes({ door: eventDoor, visitorOf: options.visitorOf, pingOf: options.pingOf }),
        ]),
    ...(push === null ? [] : [push]),
    ...(serve.metrics === null ? [] : [metricsRoute(look, serve.metrics)]),
    ...(serve.look ? lookRoutes(look, events) : []),
  ];
  const missing: Route = {
    path: '',
    purpose: serve.look ? 'look' : null,
    isPacked: serve.look,
    answer: () =>
      serve.look ? message(404, 'Not there', 'There is no such page.', look) : words(404, 'There is nothing here.\n'),
  };
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
    const { path, query } = targetOf(incoming.url ?? '/');
    const { route, parts } = findRoute(routes, path) ?? { route: missing, parts: {} };
    const refusal = refusalOf(incoming, outgoing, route);
    const shown = refusal === null ? null : (route.refused?.(refusal) ?? refusal);
    const made = shown ?? (await route.answer({ incoming, outgoing, parts, query }));
    if (made !== null) send(made, { incoming, outgoing, isPacked: refusal === null && route.isPacked });
  };
  const refusalOf = (incoming: IncomingMessage, outgoing: ServerResponse, route: Route): Answer | null => {
    const visitor = gate.enter(incoming, outgoing, route);
    if ('body' in visitor) return visitor;
    return route.purpose === null ? null : gate.refuse(visitor, incoming, route.purpose);
  };
  return (incoming, outgoing) => {
    answer(incoming, outgoing).catch((thrown: unknown) => {
      look.onFault(thrown);
      const sorry = words(500, 'This cannot be answered; the log of the server says why.\n');
      if (outgoing.headersSent) outgoing.destroy();
      else send(sorry, { incoming, outgoing, isPacked: false });
    });
  };
}

function lookRoutes(look: LookOptions, events: LiveEvents): readonly Route[] {
  return [
    {
      path: '/live',
      purpose: 'look',
      isPacked: false,
      answer: ({ incoming, outgoing }) => {
        sendEvents(incoming, outgoing, events);
        return null;
      },
    },
    ...assets.map(({ path, type, content }): Route => {
      const headers = { 'Content-Type': type, 'Cache-Control': `private, max-age=${yearSeconds}, immutable` };
      return { path, purpose: 'look', isPacked: true, answer: () => ({ status: 200, body: content, headers }) };
    }),
    ...pageRoutes(look),
    ...documentRoutes(look),
  ];
}
