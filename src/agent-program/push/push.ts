/**
 * A push: takes a report with the counters and the spool that visits use, and sends everything that is not
 * acknowledged, oldest first. A report is on this machine's disk before it is sent, and stays there until the collector
 * has acknowledged it; whatever else is answered keeps it.
 */
import { closeVisit } from '../../../agent/spool/visit.ts';
import { removeFile } from '../../../agent/start/private-file.ts';
import { FleetError, messageOf, usageError } from '../../errors.ts';
import type { AgentFault } from '../../report/wire.ts';
import type { AgentSettings } from '../settings.ts';
import { makeOwnReport, openOwnVisit } from './own-visit.ts';
import { openPushBackoff } from './push-backoff.ts';
import type { Enrolment } from './push-settings.ts';
import { acknowledgedIn, pushStreams } from './push-stream.ts';
import { pushWay, type PushTarget, type PushWay } from './push-ways.ts';

export interface PushOptions {
  readonly settings: AgentSettings;
  readonly enrolment: Enrolment;
  /** Sends whatever the back-off says. */
  readonly atOnce: boolean;
  readonly signal: AbortSignal;
  /** Default: the way that agent.json names. */
  readonly way?: PushWay;
  readonly nowMs?: () => number;
}

export interface PushResult {
  /** Reports that the collector has acknowledged. */
  readonly acknowledged: number;
  /** Reports that were sent and are kept, and those that were not sent. */
  readonly kept: number;
  /** Why no new report was made; null if it was. */
  readonly fault: AgentFault | null;
  /** Why nothing more was sent; null if everything was. */
  readonly failure: string | null;
  /** The advice for the failure; null: that of the table of errors. */
  readonly advice: string | null;
  /** The end of the pause in which nothing is sent; null: there is none. */
  readonly pausedUntilMs: number | null;
}

/** Makes one push. Never throws for what the collector or the network does. */
export async function push(options: PushOptions): Promise<PushResult> {
  const { settings, enrolment, atOnce, signal, nowMs = Date.now } = options;
  const own = openOwnVisit(settings, enrolment);
  const { visit } = own;
  const { fault, unspooled } = await makeOwnReport(own);
  const backoff = openPushBackoff(visit.dirs);
  const nextStream = pushStreams({ ...own, fault, unspooled, failures: backoff.failures });
  const lost = `the newest report is lost: it could not be kept (${visit.spoolError ?? ''})`;
  const pausedUntilMs = atOnce ? null : backoff.until(nowMs());
  if (pausedUntilMs !== null) {
    const isKept = fault === null && unspooled === null;
    const kept = visit.spooled.length + (isKept ? 1 : 0);
    return { acknowledged: 0, kept, fault, failure: unspooled === null ? null : lost, advice: null, pausedUntilMs };
  }
  const way = options.way ?? pushWay(settings.client, targetOf(enrolment));
  let acknowledged = 0;
  let kept = 0;
  let failure: string | null = null;
  let advice: string | null = null;
  let isLost = unspooled !== null;
  for (let stream = nextStream(); stream !== null && failure === null; stream = nextStream()) {
    const { files, left, body } = stream;
    let known: ReadonlySet<string> = new Set();
    try {
      known = acknowledgedIn(await way(body, signal));
      if (files.size > 0 && ![...files.keys()].some((id) => known.has(id)))
        failure = 'the collector acknowledged nothing';
    } catch (thrown) {
      failure = messageOf(thrown);
      advice = thrown instanceof FleetError ? thrown.advice : null;
    }
    for (const [id, paths] of files) {
      if (known.has(id)) {
        for (const path of paths) removeFile(path);
        acknowledged += 1;
        if (paths.length === 0) isLost = false;
      } else if (paths.length > 0) kept += 1;
    }
    if (failure !== null) kept += left;
  }
  if (isLost) failure = failure === null ? lost : `${failure}; ${lost}`;
  if (failure === null) backoff.succeeded();
  closeVisit(visit);
  // A push that a signal ended says nothing about the way.
  const failed = failure !== null && !signal.aborted;
  return { acknowledged, kept, fault, failure, advice, pausedUntilMs: failed ? backoff.failed(nowMs()) : null };
}

/** Returns where a machine pushes to. Throws FleetError `usage` if agent.json does not say it. */
export function targetOf({ to, pushKey, identity }: Enrolment): PushTarget {
  if (to === null) throw nowhereError();
  return { to, pushKey, identity };
}

export function nowhereError(): FleetError {
  const advice = 'Put there what `fleet-health enroll CLIENT` prints on the collector.';
  return usageError('agent.json does not say where to push to', advice);
}
