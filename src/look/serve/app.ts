import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import type { ServeConfig } from '../../config/config.ts';
import { livePolicy, script, style } from '../page/live/live-document.ts';
import { type Answerer, packedBody, type PackedBody, send, words } from './answer.ts';
import { type AcknowledgeOptions, alertRoute } from './endpoints/alert-route.ts';
import { eventPingRoutes } from './endpoints/event-pings.ts';
import { eventsRoute } from './endpoints/events-route.ts';
import type { OpenEventEndpoint } from './endpoints/open-event-endpoint.ts';
import { ownCommand } from './endpoints/own-command.ts';
import { pingRoute } from './endpoints/ping-route.ts';
import { replyRoute, type ReplyRouteOptions } from './endpoints/reply-route.ts';
import { type StatusOptions, statusRoute } from './endpoints/status-route.ts';
import { commonHeaders, createGate, type GateOptions } from './gate.ts';
import type { AnswerProcesses } from './documents/answer-processes.ts';
import type { FleetReader } from './fleet-reader.ts';
import type { LiveEvents } from './live-events.ts';
import { type LiveSource, sendEvents } from './live-stream.ts';
import { message, type PageFrame } from './look-answer.ts';
import {
  endpoints as paths,
  findRoute,
  isLookName,
  type LookName,
  pathBelow,
  routeOf,
  type ServedRoute,
  targetOf,
} from './routes.ts';
import type { PingToken } from './tokens.ts';

interface AppOptions extends GateOptions {
  readonly serve: ServeConfig;
  readonly look: PageFrame & {
    readonly reader: FleetReader;
    readonly onFault: (thrown: unknown) => void;
  };
  /** Makes pages and reports. */
  readonly makers: Pick<AnswerProcesses, 'answer'>;
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
  /** The answers to alerts on their pages; null: the pages have no button. */
  readonly acknowledge: AcknowledgeOptions | null;
  /** Returns the service and host of a token's pings; null if it is no token for pings. */
  readonly pingOf: (token: string) => PingToken | null;
  /** Ends the programs whose output answers wait for. */
  readonly signal: AbortSignal;
}

const yearSeconds = 365 * 24 * 3600;

/** Returns the routes of the parts that `<serve>` enables. */
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
    ...(links === null ? [] : [replyRoute({ ...links, look, visitorOf })]),
    ...(serve.look ? liveRoutes(events, links !== null) : []),
    ...lookRoutes(options),
  ];
}

/** Returns the routes whose answers other processes make. */
function lookRoutes({ serve, look, makers, visitorOf, acknowledge }: AppOptions): readonly ServedRoute[] {
  const isServed = (name: LookName): boolean => {
    if (name === 'metrics') return serve.metrics !== null;
    return serve.look && (serve.events !== null || (name !== 'newestEvents' && name !== 'apiEvents'));
  };
  return Object.keys(paths)
    .filter(isLookName)
    .filter(isServed)
    .map((name) => {
      const page: Answerer = ({ incoming, outgoing, parts }) => {
        const { url = '/', headers } = incoming;
        const isOpenMetrics = name === 'metrics' && headers.accept?.includes('application/openmetrics-text') === true;
        const mayAcknowledge = name === 'alert' && (acknowledge?.nameOf(incoming) ?? null) !== null;
        const request = { name, url, parts, isOpenMetrics, mayAcknowledge };
        return makers.answer(request, { visitor: visitorOf(incoming), outgoing });
      };
      if (name !== 'alert') return routeOf(name, page);
      if (acknowledge === null) return routeOf(name, page, { takesForm: false });
      return alertRoute({ ...acknowledge, look, visitorOf, url: serve.url, page });
    });
}

/** Creates a listener that answers requests by their routes, after checking the limits. */
export function createApp(options: AppOptions): RequestListener {
  const { serve, look, notThere } = options;
  const routes = routesOf(options);
  const gate = createGate(options);
  // Pages below a path of a host do not decide for all of it.
  const headers = commonHeaders(livePolicy, serve.tls !== null && serve.prefix === '');
  const fallback: ServedRoute = {
    path: '',
    made: 'at once',
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
    const { route, parts } = findRoute(routes, pathBelow(serve.prefix, path)) ?? { route: fallback, parts: {} };
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
  const answerOf = ({ type, content }: typeof style): Answerer => {
    const headers = { 'Content-Type': type, 'Cache-Control': `private, max-age=${yearSeconds}, immutable` };
    let packed: PackedBody | null = null;
    // Compressed at the first request, and not for each one: pages wait for it.
    return () => ({ status: 200, body: content, headers, packed: (packed ??= packedBody(Buffer.from(content))) });
  };
  return [
    routeOf('live', ({ incoming, outgoing }) => {
      sendEvents(incoming, outgoing, events);
      return null;
    }),
    routeOf('style', answerOf(style), { purpose: hasLinks ? null : 'look' }),
    routeOf('script', answerOf(script)),
  ];
}
