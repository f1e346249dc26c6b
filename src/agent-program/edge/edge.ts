/**
 * The mode `edge`: evaluates reports by rules of this machine, and sends only changes. On an enrolled machine the
 * reports themselves wait sealed in the spool of visits.
 */
import path from 'node:path';

import { messageOf, usageError } from '../../platform/errors/errors.ts';
import { everyReport } from '../agent-program.ts';
import { appendLine } from '../bounded-file.ts';
import type { ModeContext } from '../mode-context.ts';
import { pushTransport } from '../push/push-transports.ts';
import type { StreamsSent } from '../push/send-streams.ts';
import { openEvaluator, type Evaluated } from './edge-evaluator.ts';
import { edgeLines } from './edge-lines.ts';
import { edgeReports } from './edge-reports.ts';
import type { EdgeSettings } from './edge-settings.ts';
import type { Report } from '../../report/report.ts';

/** A receiver of changes. */
interface Receiver {
  /** Keeps the data to send, without waiting for the network. */
  readonly keep: (report: Report, evaluated: Evaluated) => void;
  /** Sends the waiting data. */
  readonly send: (signal: AbortSignal) => Promise<void>;
  /** Returns the number of waiting items. */
  readonly queue: () => number;
}

/**
 * Takes reports repeatedly, keeps them, and evaluates them by the rules of `edge`. Logs each change of an alert. With
 * `send` also sends the change: to a socket as a line, to a collector by the reports that caused it.
 */
export async function runEdge(context: ModeContext): Promise<void> {
  const { settings, place, log, signal, note, ready } = context;
  const { edge, client, enrolment } = settings;
  if (edge === null) throw usageError('agent.json has no "edge"', 'Write "edge": {"rules": [..]} into it.');
  const receivers = [socketOf(context, edge), collectorOf(context, edge)].filter((receiver) => receiver !== null);
  const file = edge.file ?? (enrolment === null ? path.join(place, 'edge.jsonl') : null);
  const evaluate = openEvaluator({ client, rules: edge.rules, everyMs: edge.everyMs, place });
  let lastReportAtMs: number | null = null;
  const noteQueue = (): void => note({ lastReportAtMs, queue: receivers.at(-1)?.queue() ?? 0 });
  const sends = receivers.map(({ send }) =>
    oneAtATime(signal, async () => {
      await send(signal).catch((thrown: unknown) => log.problem('not-sent', { reason: messageOf(thrown) }));
      noteQueue();
    }),
  );
  ready();
  log.event('watching', {
    ...{ rules: edge.rules.length, file: file ?? undefined, every_s: edge.everyMs / 1000 },
    sends: context.send || edge.send,
  });
  await everyReport({
    ...{ settings, place, log, signal },
    everyMs: edge.everyMs,
    take: ({ report }) => {
      const evaluated = evaluate(report);
      for (const { limit, ...change } of evaluated.changes) log.event('alert', { ...change, limit });
      for (const receiver of receivers) receiver.keep(report, evaluated);
      for (const send of sends) send.start();
      lastReportAtMs = Date.parse(report.datetime);
      noteQueue();
      if (file !== null) appendLine(file, JSON.stringify(report));
    },
  });
  await Promise.all(sends.map(({ ended }) => ended()));
}

/**
 * Returns a function that starts the work in the background, one run at a time. A start during a run makes the work run
 * once more.
 */
function oneAtATime(
  signal: AbortSignal,
  work: () => Promise<void>,
): { readonly start: () => void; readonly ended: () => Promise<void> } {
  let running: Promise<void> | null = null;
  let isAsked = false;
  const run = async (): Promise<void> => {
    while (isAsked && !signal.aborted) {
      isAsked = false;
      await work();
    }
    running = null;
  };
  return {
    start: () => {
      isAsked = true;
      if (!signal.aborted) running ??= run();
    },
    ended: async () => {
      await running;
    },
  };
}

/** Returns the socket for changes; null if there is none. Throws a usage error if nothing can be sent. */
function socketOf({ settings, place, log, send }: ModeContext, { to, send: sends }: EdgeSettings): Receiver | null {
  if (!send && !sends) return null;
  if (to === null && (settings.enrolment?.to ?? null) === null) {
    throw usageError(
      '"edge" has no "to", so nothing can be sent',
      'Write "to": "https://COLLECTOR/", "tcp://HOST:PORT" or "unix:/PATH" into it.',
    );
  }
  if (to === null || 'url' in to) return null;
  const lines = edgeLines(to, place, log);
  return { ...lines, keep: ({ datetime }, evaluated) => lines.keep(evaluated, Date.parse(datetime)) };
}

/**
 * Returns the collector that receives the reports, at least by visits; null if the machine is not enrolled. Throws a
 * usage error if `to` of such a machine names a collector.
 */
function collectorOf({ settings, place, log, send }: ModeContext, edge: EdgeSettings): Receiver | null {
  const { enrolment, client } = settings;
  const named = edge.to !== null && 'url' in edge.to ? edge.to.url : null;
  if (enrolment === null) {
    if (named === null) return null;
    const advice = 'Put there what `fleet-health enroll CLIENT --edge` prints on the collector.';
    throw usageError('"edge" of agent.json sends to a collector, and this machine is not enrolled', advice);
  }
  const { pushKey, identity } = enrolment;
  const to = named ?? enrolment.to;
  const transport = (send || edge.send) && to !== null ? pushTransport(client, { pushKey, identity, to }) : null;
  const reports = edgeReports({ settings, enrolment, place, transport, heartbeatMs: edge.heartbeatMs });
  return {
    keep: (report, { sinceMs }) => reports.keep({ report, sinceMs }),
    send: async (signal) => {
      const sent = await reports.send(signal);
      if (sent !== null) logSent(log, sent, reports.queue());
    },
    queue: reports.queue,
  };
}

function logSent(log: ModeContext['log'], { acknowledged, failure, advice }: StreamsSent, held: number): void {
  if (failure === null) log.event('sent', { reports: acknowledged, held });
  else log.problem('not-sent', { reports: acknowledged, held, reason: failure, advice: advice ?? undefined });
}
