/**
 * A push: takes a report with the counters and the spool that visits use, and sends everything that is not
 * acknowledged, oldest first. A report is on this machine's disk before it is sent, and stays there until the collector
 * has acknowledged it; whatever else is answered keeps it.
 */
import { closeVisit } from '../../../agent/spool/visit.ts';
import { usageError, type FleetError } from '../../errors.ts';
import type { AgentFault } from '../../report/wire.ts';
import type { AgentSettings } from '../settings.ts';
import { makeOwnReport, openOwnVisit } from './own-visit.ts';
import { makeOwnInventory } from './push-inventory.ts';
import { openPushBackoff } from './push-backoff.ts';
import type { Enrolment } from './push-settings.ts';
import { pushStreams } from './push-stream.ts';
import { pushTransport, type PushTarget, type PushTransport } from './push-transports.ts';
import { sendStreams } from './send-streams.ts';

export interface PushOptions {
  readonly settings: AgentSettings;
  readonly enrolment: Enrolment;
  /** Sends whatever the back-off says. */
  readonly atOnce: boolean;
  readonly signal: AbortSignal;
  /** Default: the transport that agent.json names. */
  readonly transport?: PushTransport;
  readonly nowMs?: () => number;
  /** False: no inventory is taken. Default: once a day, after a push that succeeded. */
  readonly inventory?: boolean;
}

export interface PushResult {
  /** Reports that the collector has acknowledged. */
  readonly acknowledged: number;
  /** Reports that were sent and are kept, and those that were not sent. */
  readonly kept: number;
  /** The reason why no new report was made; null if it was. */
  readonly fault: AgentFault | null;
  /** The reason why nothing more was sent; null if everything was. */
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
  const transport = options.transport ?? pushTransport(settings.client, targetOf(enrolment));
  const sent = await sendStreams({ nextStream, transport, signal });
  const { kept, advice } = sent;
  let { acknowledged, failure } = sent;
  const isLost = unspooled !== null && !sent.tookUnspooled;
  if (isLost) failure = failure === null ? lost : `${failure}; ${lost}`;
  // The push has succeeded already, so nothing of the inventory fails it: it goes with the next one.
  if (failure === null && fault === null && !signal.aborted && options.inventory !== false) {
    if (await makeOwnInventory(own, nowMs())) {
      const next = pushStreams({ ...own, fault: null, unspooled: null, failures: backoff.failures });
      acknowledged += (await sendStreams({ nextStream: next, transport, signal })).acknowledged;
    }
  }
  if (failure === null) backoff.succeeded();
  closeVisit(visit);
  // A push that a signal ended says nothing about the transport.
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
