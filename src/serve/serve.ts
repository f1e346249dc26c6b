/**
 * The server that shows the fleet to people, gives metrics to tools, and receives events. Pages and figures are read in
 * a session that cannot write. Events are stored in a session of their own. All other changes need the command line.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Config, ServeConfig } from '../config/config.ts';
import type { ShownElement } from '../config/vocabulary/config-document.ts';
import type { FleetError } from '../errors.ts';
import { secondMs } from '../platform/units.ts';
import { statePaths } from '../state-folder/paths.ts';
import { createAdmission } from './admission.ts';
import { createApp, fleetRoutes, type ServedRoutes } from './app.ts';
import type { Documents } from './documents.ts';
import { type EventEndpointEvent, openEventEndpoint } from './endpoints/open-event-endpoint.ts';
import { pushRoutes, type RefusedPush } from './endpoints/push-route.ts';
import { FleetReader } from './fleet-reader.ts';
import { Listeners } from './listeners.ts';
import { LiveEvents } from './live-events.ts';
import { Rates } from './rates.ts';
import { pingFinder, tokenChecker } from './tokens.ts';
import { visitorReader } from './visitor.ts';

/** Events of a server, for its log. */
export type ServeEvent =
  | { readonly kind: 'started'; readonly where: readonly string[] }
  | { readonly kind: 'stopping'; readonly reason: string }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'database-away'; readonly fault: FleetError }
  | { readonly kind: 'database-back'; readonly awayMs: number }
  | { readonly kind: 'refused'; readonly address: string }
  | ({ readonly kind: 'push-refused'; readonly address: string } & Omit<RefusedPush, 'incoming'>)
  | EventEndpointEvent;

export interface ServeOptions {
  readonly serve: ServeConfig;
  /** Returns the current configuration. */
  readonly settings: () => Config;
  /** Returns the fault of the changed config.xml; null if the file is valid. */
  readonly configFault: () => string | null;
  readonly documents: Documents;
  /** Returns the configuration as `/status` shows it. */
  readonly shownConfig: () => ShownElement;
  readonly observe: (event: ServeEvent) => void;
  /** The time without visitors after which the server ends; null: it does not end. */
  readonly idleExitMs: number | null;
  /** Ends the server. */
  readonly signal: AbortSignal;
}

/** The time for answers under way when the server ends. */
const drainMs = 4 * secondMs;
/** The rate at which wrong tokens, and refused pushes of an address, are logged. */
const loggedGuesses = { burst: 10, perSecond: 0.1 } as const;

/** Serves until the signal is aborted or the idle time has passed. Throws FleetError `listen-failed`. */
export async function runServer(options: ServeOptions): Promise<void> {
  const { serve, settings, documents, observe } = options;
  const reader = new FleetReader({
    settings,
    onAway: (fault) => observe({ kind: 'database-away', fault }),
    onBack: (awayMs) => observe({ kind: 'database-back', awayMs }),
  });
  const events = new LiveEvents(reader);
  const host = createHost({ ...options, tokens: statePaths(settings().stateDir).tokens });
  const { visitorOf, onVisit } = host;
  const ended = new AbortController();
  const endpoints = openEventEndpoint({ serve, settings, observe, onVisit });
  const refusals = new Rates(loggedGuesses);
  const onRefused = ({ incoming, ...refused }: RefusedPush): void => {
    const { address } = visitorOf(incoming);
    if (refusals.take(address)) observe({ kind: 'push-refused', address, ...refused });
  };
  const served = fleetRoutes({
    serve,
    look: {
      reader,
      documents,
      configFault: options.configFault,
      zone: () => settings().alerts.zone,
      onFault: (thrown) => observe({ kind: 'fault', thrown }),
      hasEvents: serve.events !== null,
    },
    events,
    eventEndpoint: endpoints?.endpoint ?? null,
    status: { shownConfig: options.shownConfig, queued: () => endpoints?.queued() ?? 0 },
    pushes: serve.push ? pushRoutes({ settings, signal: options.signal, onRefused }) : [],
    signal: ended.signal,
    pingOf: pingFinder(statePaths(settings().stateDir).tokens),
    visitorOf,
  });
  try {
    await host.serve(served, {
      open: async () => (await endpoints?.open()) ?? [],
      stop: async () => {
        events.close();
        await endpoints?.stop();
      },
    });
  } finally {
    ended.abort();
    await endpoints?.close();
    await reader.close();
  }
  observe({ kind: 'stopped' });
}

interface HostOptions extends Pick<ServeOptions, 'serve' | 'observe' | 'idleExitMs' | 'signal'> {
  /** The file of the tokens. */
  readonly tokens: string;
}

/** The parts of a server besides its sockets. */
interface HostedParts {
  /** Opens further sockets. Returns their addresses for people. */
  readonly open: () => Promise<readonly string[]>;
  /** Ends streams that keep connections open. */
  readonly stop: () => Promise<void>;
}

/** Creates the sockets and guards of a server. */
function createHost(options: HostOptions) {
  const { serve, tokens, observe } = options;
  let lastRequestAt = performance.now();
  const onVisit = (): void => void (lastRequestAt = performance.now());
  const visitorOf = visitorReader(serve);
  const guesses = new Rates(loggedGuesses);
  return {
    visitorOf,
    /** Records a visit, which restarts the idle time. */
    onVisit,
    /** Answers until the signal is aborted or the idle time has passed. Throws FleetError `listen-failed`. */
    serve: async (served: ServedRoutes, { open, stop }: HostedParts): Promise<void> => {
      const answer = createApp({
        ...served,
        hasTls: serve.tls !== null,
        admit: createAdmission({ serve, checkToken: tokenChecker(tokens) }),
        visitorOf,
        isFull: (request, pool) => listeners.isFull(request, pool),
        onGuess: ({ address }) => {
          if (guesses.take('all')) observe({ kind: 'refused', address });
        },
      });
      const listeners = new Listeners({
        serve,
        onRequest: (request, response) => {
          onVisit();
          answer(request, response);
        },
      });
      const idleMs = (): number => (listeners.connections > 0 ? 0 : performance.now() - lastRequestAt);
      try {
        observe({ kind: 'started', where: [...(await listeners.open()), ...(await open())] });
        observe({ kind: 'stopping', reason: await untilOver(options, idleMs) });
      } finally {
        const stopped = stop();
        await Promise.all([listeners.close(drainMs), stopped]);
      }
    },
  };
}

/** Waits until the server has to end. Returns the reason. */
async function untilOver({ idleExitMs, signal }: HostOptions, idleMs: () => number): Promise<string> {
  const checkMs = idleExitMs === null ? 3600 * secondMs : Math.max(50, Math.min(secondMs, idleExitMs / 4));
  while (!signal.aborted) {
    if (idleExitMs !== null && idleMs() >= idleExitMs) return 'nobody has come for a time';
    await sleep(checkMs, undefined, { signal }).catch(() => undefined);
  }
  return signal.reason instanceof Error ? signal.reason.message : 'ended';
}
