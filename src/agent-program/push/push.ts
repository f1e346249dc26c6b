/**
 * A push: takes a report with the counters and the spool of visits, and sends all unacknowledged reports, oldest first.
 * A report is on this machine's disk before it is sent, and stays there until the collector has acknowledged it. Any
 * other answer keeps it.
 */
import { closeVisit } from '../../../agent/spool/visit.ts';
import { usageError, type FleetError } from '../../platform/errors/errors.ts';
import type { AgentFault } from '../../report/wire.ts';
import type { AgentSettings } from '../settings.ts';
import { makeOwnReport, openOwnVisit } from './own-visit.ts';
import { makeOwnInventory, makeOwnState } from './rare-reports.ts';
import { openPushBackoff } from './push-backoff.ts';
import type { Enrolment } from './push-settings.ts';
import { pushStreams } from './push-stream.ts';
import { pushTransport, type PushTarget, type PushTransport } from './push-transports.ts';
import { sendStreams, type StreamsSent } from './send-streams.ts';

export interface PushOptions {
  readonly settings: AgentSettings;
  readonly enrolment: Enrolment;
  /** True to send during a back-off too. */
  readonly atOnce: boolean;
  readonly signal: AbortSignal;
  /** The transport. Default: by agent.json. */
  readonly transport?: PushTransport;
  readonly nowMs?: () => number;
  /** False to take neither inventory nor state. Default: when they are due, after a successful push. */
  readonly inventory?: boolean;
}

export interface PushResult extends Omit<StreamsSent, 'tookUnspooled'> {
  /** The reason why no new report was made; null if one was made. */
  readonly fault: AgentFault | null;
  /** The end of the pause in which nothing is sent; null if there is none. */
  readonly pausedUntilMs: number | null;
}

/** Makes one push. Never throws for the behaviour of the collector or the network. */
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
  const transport = options.transport ?? pushTransport(settings.client, targetOf(enrolment));
  const sent = await sendStreams({ nextStream, transport, signal });
  const { kept, advice } = sent;
  let { acknowledged, failure } = sent;
  const isLost = unspooled !== null && !sent.tookUnspooled;
  if (isLost) failure = failure === null ? lost : `${failure}; ${lost}`;
  // The push has succeeded already, so a fault of the inventory or the state does not fail it: they are sent with the
  // next push.
  if (failure === null && fault === null && !signal.aborted && options.inventory !== false) {
    const isMade = [await makeOwnInventory(own, nowMs()), await makeOwnState(own, settings.changes, nowMs())];
    if (isMade.includes(true)) {
      const next = pushStreams({ ...own, fault: null, unspooled: null, failures: backoff.failures });
      acknowledged += (await sendStreams({ nextStream: next, transport, signal })).acknowledged;
    }
  }
  if (failure === null) backoff.succeeded();
  closeVisit(visit);
  // A push that a signal ended does not show a fault of the transport.
  const failed = failure !== null && !signal.aborted;
  return { acknowledged, kept, fault, failure, advice, pausedUntilMs: failed ? backoff.failed(nowMs()) : null };
}

/** Returns the destination of a machine's pushes. Throws FleetError `usage` if agent.json does not name one. */
function targetOf({ to, pushKey, identity }: Enrolment): PushTarget {
  if (to === null) throw nowhereError();
  return { to, pushKey, identity };
}

export function nowhereError(): FleetError {
  const advice = 'Put there what `fleet-health enroll CLIENT` prints on the collector.';
  return usageError('agent.json does not say where to push to', advice);
}
