/**
 * The mode `edge`: judges reports by rules of this machine, and sends changes alone. The reports themselves wait in the
 * spool of visits, sealed, where the machine is enrolled.
 */
import path from 'node:path';

import { usageError } from '../../errors.ts';
import { everyReport } from '../agent-program.ts';
import { appendLine } from '../bounded-file.ts';
import type { ModeContext } from '../mode-context.ts';
import { pushWay } from '../push/push-ways.ts';
import { openJudge, type Judged } from './edge-judge.ts';
import { linesSender } from './edge-lines.ts';
import { edgeReports, type EdgeRound } from './edge-reports.ts';
import type { EdgeSettings } from './edge-settings.ts';
import type { Report } from '../../report/report.ts';

type Round = (report: Report, judged: Judged) => Promise<number | null>;

/**
 * Takes a report again and again, keeps it, and judges it by the rules of `edge`. Each change of an alert is logged, and
 * told with `send`: to a socket as a line, to a collector by the reports that it follows from.
 */
export async function runEdge(context: ModeContext): Promise<void> {
  const { settings, place, log, signal, note, ready } = context;
  const { edge, client, enrolment } = settings;
  if (edge === null) throw usageError('agent.json has no "edge"', 'Write "edge": {"rules": [..]} into it.');
  const rounds = [linesRound(context, edge), reportsRound(context, edge)].filter((round) => round !== null);
  const file = edge.file ?? (enrolment === null ? path.join(place, 'edge.jsonl') : null);
  const judge = openJudge({ client, rules: edge.rules, everyMs: edge.everyMs, place });
  ready();
  const sends = context.send || edge.send;
  log.event('watching', { rules: edge.rules.length, file: file ?? undefined, every_s: edge.everyMs / 1000, sends });
  await everyReport({
    ...{ settings, place, log, signal },
    everyMs: edge.everyMs,
    take: async ({ report }) => {
      const judged = judge(report);
      for (const { limit, ...change } of judged.changes) log.event('alert', { ...change, limit });
      let queue: number | null = 0;
      for (const round of rounds) queue = (await round(report, judged)) ?? queue;
      note({ lastReportAtMs: Date.parse(report.datetime), queue });
      if (file !== null) appendLine(file, JSON.stringify(report));
    },
  });
}

/** Returns the function that tells a socket; null: there is none. Throws a usage error if nothing can be sent. */
function linesRound({ settings, place, log, send }: ModeContext, { to, send: sends }: EdgeSettings): Round | null {
  if (!send && !sends) return null;
  if (to === null && (settings.enrolment?.to ?? null) === null) {
    throw usageError(
      '"edge" has no "to", so nothing can be sent',
      'Write "to": "https://COLLECTOR/", "tcp://HOST:PORT" or "unix:/PATH" into it.',
    );
  }
  if (to === null || 'url' in to) return null;
  const sendTo = linesSender(to, place, log);
  return async (_, { changes }) => await sendTo(changes);
}

/** Returns the function that keeps reports and sends them to the collector; null: the machine is not enrolled. */
function reportsRound({ settings, place, log, send, signal }: ModeContext, edge: EdgeSettings): Round | null {
  const { enrolment, client } = settings;
  if (enrolment === null) return null;
  const { pushKey, identity } = enrolment;
  const named = edge.to !== null && 'url' in edge.to ? edge.to.url : null;
  const to = named ?? enrolment.to;
  const way = (send || edge.send) && to !== null ? pushWay(client, { pushKey, identity, to }) : null;
  const take = edgeReports({ settings, enrolment, place, way, heartbeatMs: edge.heartbeatMs });
  return async (report, { sinceMs }) => {
    const round = await take({ report, sinceMs, signal });
    logRound(log, round);
    return round.queue;
  };
}

function logRound(log: ModeContext['log'], { sent, queue }: EdgeRound): void {
  if (sent === null) return;
  const { acknowledged, failure, advice } = sent;
  if (failure === null) log.event('sent', { reports: acknowledged, held: queue });
  else log.problem('not-sent', { reports: acknowledged, held: queue, reason: failure, advice: advice ?? undefined });
}
