import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import type { FamilyGroup, ServeConfig } from '../../config/config.ts';
import { contentTypes } from '../metrics/exposition.ts';
import { writeMetrics } from '../metrics/metrics.ts';
import { assets, livePolicy, stylePath } from '../page/live/live-document.ts';
import { type Answerer, send, words } from './answer.ts';
import { eventPingRoutes } from './endpoints/event-pings.ts';
import { eventsRoute } from './endpoints/events-route.ts';
import type { OpenEventEndpoint } from './endpoints/open-event-endpoint.ts';
import { ownCommand } from './endpoints/own-command.ts';
import { pingRoute } from './endpoints/ping-route.ts';
import { replyRoute, type ReplyRouteOptions } from './endpoints/reply-route.ts';
import { type StatusOptions, statusRoute } from './endpoints/status-route.ts';
import { commonHeaders, createGate, type GateOptions } from './gate.ts';
import type { LiveEvents } from './live-events.ts';
import { type LiveSource, sendEvents } from './live-stream.ts';
import { documentRoutes } from './look-documents.ts';
import { type LookOptions, answerMs, inTime, message, pageRoutes, statusOf } from './look-pages.ts';
import { findRoute, type ServedRoute, targetOf } from './routes.ts';
import type { PingToken } from './tokens.ts';

interface AppOptions extends GateOptions {
  readonly serve: ServeConfig;
  readonly look: LookOptions;
  /** The answer to paths that are not served; null: the usual one. */
  readonly notThere: string | null;
  readonly events: LiveEvents;
  /** The endpoints of events; null if the server accepts none. */
  readonly endpoints: OpenEventEndpoint | null;
  readonly shownConfig: StatusOptions['shownConfig'];
  /** The routes of pushes; none if the server accepts none. */
  readonly pushes: readonly ServedRoute[];
  /** The answers to mails by links; null: mails have no links. */
  readonly links: Pick<ReplyRouteOptions, 'database' | 'onAcknowledged'> | null;
  /** Returns the service and host of a token's pings; null if it is no token for pings. */
  readonly pingOf: (token: string) => PingToken | null;
  /** Ends the programs whose output answers wait for. */
  readonly signal: AbortSignal;
}

const yearSeconds = 365 * 24 * 3600;

/** Returns the routes of the parts that `<serve>` enables. Each route defines the permission that it needs. */
function routesOf(options: AppOptions): readonly ServedRoute[] {
  const { serve, look, events, endpoints, pushes, shownConfig, visitorOf, pingOf, links, signal } = options;
  const { onFault } = look;
  return [
    pingRoute({ ...look, own: serve.ping === null ? null : ownCommand(serve.ping, signal) }),
    statusRoute({
      ...{ serve, shownConfig, onFault, queued: () => endpoints?.queued() ?? 0 },
      own: serve.status === null ? null : ownCommand(serve.status, signal),
    }),
    ...(endpoints === null
      ? []
      : [
          eventsRoute(endpoints.endpoint, visitorOf),
          ...eventPingRoutes({ endpoint: endpoints.endpoint, visitorOf, pingOf }),
        ]),
    ...pushes,
    ...(serve.metrics === null ? [] : [metricsRoute(look, serve.metrics)]),
    ...(links === null ? [] : [replyRoute({ ...links, look, visitorOf })]),
    ...(serve.look ? [...liveRoutes(events, links !== null), ...pageRoutes(look), ...documentRoutes(look)] : []),
  ];
}

/** Creates a listener that answers requests by their routes, after checking the limits. */
export function createApp(options: AppOptions): RequestListener {
  const { serve, look, notThere } = options;
  const routes = routesOf(options);
  const gate = createGate(options);
  const headers = commonHeaders(livePolicy, serve.tls !== null);
  const fallback: ServedRoute = {
    path: '',
    purpose: serve.look ? 'look' : null,
    isPacked: serve.look,
    answer: () =>
      serve.look
        ? message(404, 'Not there', 'There is no such page.', look)
        : words(404, `${notThere ?? 'There is nothing here.'}\n`),
  };
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
    const { path, query } = targetOf(incoming.url ?? '/');
    const { route, parts } = findRoute(routes, path) ?? { route: fallback, parts: {} };
    const refusal = gate.refuse(incoming, outgoing, route);
    const shown = refusal === null ? null : (route.refused?.(refusal) ?? refusal);
    const made = shown ?? (await route.answer({ incoming, outgoing, parts, query }));
    if (made?.isGuess === true) gate.charge(incoming);
    if (made !== null) send(made, { incoming, outgoing, isPacked: refusal === null && route.isPacked });
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

/** Returns the routes of the stream of events and of the files that pages load. The pages of links need the style. */
function liveRoutes(events: LiveSource, hasLinks: boolean): readonly ServedRoute[] {
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
    ...assets.map(({ path, type, content }): ServedRoute => {
      const headers = { 'Content-Type': type, 'Cache-Control': `private, max-age=${yearSeconds}, immutable` };
      const purpose = hasLinks && path === stylePath ? null : 'look';
      return { path, purpose, isPacked: true, answer: () => ({ status: 200, body: content, headers }) };
    }),
  ];
}

/** Returns the route of the newest figures, in the format that the Accept header asks for. */
function metricsRoute({ reader, onFault }: LookOptions, groups: readonly FamilyGroup[]): ServedRoute {
  const answer: Answerer = async ({ incoming: { headers } }) => {
    const format = headers.accept?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'text';
    const signal = AbortSignal.timeout(answerMs);
    try {
      const body = await inTime(() =>
        reader.read(async (storage, config) => {
          const chunks: string[] = [];
          const nowMs = await storage.nowMs();
          for await (const chunk of writeMetrics({ config, storage, nowMs, groups, format, signal }))
            chunks.push(chunk);
          return chunks.join('');
        }),
      );
      return { status: 200, body, headers: { 'Content-Type': contentTypes[format], 'Cache-Control': 'no-store' } };
    } catch (thrown) {
      if (statusOf(thrown) !== 503) onFault(thrown);
      return words(503, 'The database does not answer, or nothing is stored yet.\n', { 'Retry-After': '30' });
    }
  };
  return { path: '/metrics', purpose: 'metrics', isPacked: true, answer };
}
