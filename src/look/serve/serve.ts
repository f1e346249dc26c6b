/**
 * The server that shows the fleet to people, gives metrics to tools, and receives events. Pages and figures are read in
 * a session that cannot write. Events and acknowledgements are stored in sessions of their own. All other changes need
 * the command line.
 */
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Config, ServeConfig } from '../../config/config.ts';
import type { ShownElement } from '../../config/vocabulary/config-document.ts';
import { messageOf } from '../../platform/errors/errors.ts';
import type { Log } from '../../platform/errors/log.ts';
import { secondMs } from '../../platform/units.ts';
import { statePaths } from '../../state-folder/paths.ts';
import type { AppliedReply } from '../../storage/store/reply-store.ts';
import { createAdmission } from './admission.ts';
import { createApp } from './app.ts';
import { AnswerProcesses } from './documents/answer-processes.ts';
import { type StoredAnswer, viewerNamer } from './endpoints/alert-route.ts';
import { openEventEndpoint } from './endpoints/open-event-endpoint.ts';
import { pushRoutes, type RefusedPush } from './endpoints/push-route.ts';
import { LinkDatabase } from './endpoints/reply-route.ts';
import { FleetReader } from './fleet-reader.ts';
import { Listeners } from './listeners.ts';
import { LiveEvents } from './live-events.ts';
import { Rates } from './rates.ts';
import { pingFinder, tokenChecker, tokenNamer } from './tokens.ts';
import { type Visitor, visitorReader } from './visitor.ts';

interface ServeOptions {
  readonly serve: ServeConfig;
  /** The answer to paths that are not served; null: the usual one. */
  readonly notThere: string | null;
  /** Returns the current configuration. */
  readonly settings: () => Config;
  /** Returns the fault of the changed config.xml; null if the file is valid. */
  readonly configFault: () => string | null;
  /** The file of the program that makes pages and reports in processes: it calls `answerInProcess`. */
  readonly lookProgram: string;
  /** Returns the configuration as `/status` shows it. */
  readonly shownConfig: () => ShownElement;
  readonly log: Pick<Log, 'event' | 'problem'>;
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
  const { serve, notThere, settings, shownConfig, log } = options;
  const { tokens } = statePaths(settings().stateDir);
  const onFault = (thrown: unknown): void => log.problem('answer-failed', { message: messageOf(thrown) });
  const reader = new FleetReader({
    settings,
    onAway: ({ code, message }) => log.problem('database-away', { code, message }),
    onBack: (awayMs) => log.event('database-back', { away_s: Math.round(awayMs / 1000) }),
  });
  const makers = openMakers(options, { onFault, reader });
  const events = new LiveEvents({ read: (work) => reader.read(work), forget: () => makers.forget() });
  let lastRequestAt = performance.now();
  // A visit restarts the idle time.
  const onVisit = (): void => void (lastRequestAt = performance.now());
  const visitorOf = visitorReader(serve);
  const ended = new AbortController();
  const endpoints = openEventEndpoint({ serve, settings, log, onFault, onVisit });
  const { onGuess, onRefused } = refusalLog(log, visitorOf);
  const { database, ...answers } = openAnswers(options, { visitorOf, makers });
  const answer = createApp({
    ...{ serve, notThere },
    look: {
      ...{ reader, onFault, prefix: serve.prefix },
      zone: () => settings().alerts.zone,
      hasEvents: serve.events !== null,
    },
    ...{ ...answers, events, endpoints, shownConfig, makers },
    pushes: serve.push ? pushRoutes({ settings, signal: options.signal, onRefused }) : [],
    signal: ended.signal,
    pingOf: pingFinder(tokens),
    visitorOf,
    admit: createAdmission({ serve, checkToken: tokenChecker(tokens) }),
    isFull: (request, pool) => listeners.isFull(request, pool),
    onGuess,
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
    try {
      const places = [...(await listeners.open()), ...((await endpoints?.open()) ?? [])];
      log.event('serve-started', { on: places.join(' '), pid: process.pid });
      log.event('serve-stopping', { reason: await untilOver(options, idleMs) });
    } finally {
      // Ends streams that keep connections open.
      events.close();
      await Promise.all([listeners.close(drainMs), endpoints?.stop()]);
    }
  } finally {
    ended.abort();
    await Promise.all([endpoints?.close(), database.close(), makers.close()]);
    await reader.close();
  }
  log.event('serve-stopped', {});
}

/** Returns the processes that make pages and reports. */
function openMakers(
  { serve, settings, lookProgram: program, configFault }: ServeOptions,
  { onFault, reader }: { readonly onFault: (thrown: unknown) => void; readonly reader: FleetReader },
): AnswerProcesses {
  // The session of this process logs what the others met.
  const onDatabase = (): void => void reader.read((storage) => storage.nowMs()).catch(() => undefined);
  return new AnswerProcesses({ program, serve, settings, configFault, onFault, onDatabase });
}

/** Returns the answers to mails by links, and to alerts on their pages; null for what config.xml does not allow. */
function openAnswers(
  { serve, settings, log }: ServeOptions,
  {
    visitorOf,
    makers,
  }: { readonly visitorOf: (request: IncomingMessage) => Visitor; readonly makers: AnswerProcesses },
) {
  const database = new LinkDatabase(settings);
  const onAcknowledged = ({ from, line, count }: AppliedReply): void =>
    log.event('acknowledged', { by: from, answer: line, alerts: count });
  const onAnswered = ({ by, line, id }: StoredAnswer): void => {
    log.event(line === 'unack' ? 'unacknowledged' : 'acknowledged', { by, answer: line, alerts: 1, alert: id });
    makers.forget();
  };
  const nameOf = viewerNamer(visitorOf, tokenNamer(statePaths(settings().stateDir).tokens));
  return {
    database,
    links: settings().replyLinks === null ? null : { database, onAcknowledged },
    acknowledge: serve.acknowledge ? { database, nameOf, onAnswered } : null,
  };
}

/** Returns functions that log wrong tokens and refused pushes, a few at a time. */
function refusalLog(log: ServeOptions['log'], visitorOf: (request: IncomingMessage) => Visitor) {
  const [guesses, refusals] = [new Rates(loggedGuesses), new Rates(loggedGuesses)];
  return {
    onGuess: ({ address }: Visitor): void => {
      if (guesses.take('all')) log.problem('token-refused', { address });
    },
    onRefused: ({ incoming, client, status, reason }: RefusedPush): void => {
      const { address } = visitorOf(incoming);
      if (refusals.take(address)) log.problem('push-refused', { address, client, status, reason });
    },
  };
}

/** Waits until the server has to end. Returns the reason. */
async function untilOver({ idleExitMs, signal }: ServeOptions, idleMs: () => number): Promise<string> {
  const checkMs = idleExitMs === null ? 3600 * secondMs : Math.max(50, Math.min(secondMs, idleExitMs / 4));
  while (!signal.aborted) {
    if (idleExitMs !== null && idleMs() >= idleExitMs) return 'nobody has come for a time';
    await sleep(checkMs, undefined, { signal }).catch(() => undefined);
  }
  return signal.reason instanceof Error ? signal.reason.message : 'ended';
}
