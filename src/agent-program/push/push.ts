/**
 * A push: takes a report with the counters and the spool that visits use, and sends everything that is not
 * acknowledged, oldest first. A report is on this machine's disk before it is sent, and stays there until the collector
 * has acknowledged it; whatever else is answered keeps it.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { makeReport } from '../../../agent/spool/make-report.ts';
import { closeVisit, openVisit } from '../../../agent/spool/visit.ts';
import { readBootId } from '../../../agent/start/clock.ts';
import { placeRoots } from '../../../agent/start/places.ts';
import { removeFile } from '../../../agent/start/private-file.ts';
import { claimPlace, releasePlace } from '../../../agent/start/running.ts';
import { FleetError, messageOf } from '../../errors.ts';
import { secondMs } from '../../platform/units.ts';
import { protocolVersion, type AgentFault, type AgentRequest } from '../../report/wire.ts';
import { pushLimits } from '../../seal/push.ts';
import { maxSealedBytes } from '../../seal/sealed-message.ts';
import { openPushBackoff } from './push-backoff.ts';
import type { Enrolment } from './push-settings.ts';
import { acknowledgedIn, pushStreams } from './push-stream.ts';
import { pushWay, type PushWay } from './push-ways.ts';
import type { AgentSettings } from '../settings.ts';
import { collectOfSystem } from '../take-report.ts';

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

const probesMs = 20 * secondMs;
/** The time limit for the end of an earlier agent. */
const patienceMs = secondMs;

/** Makes one push. Never throws for what the collector or the network does. */
export async function push(options: PushOptions): Promise<PushResult> {
  const { settings, enrolment, atOnce, signal, nowMs = Date.now } = options;
  const request = requestOf(settings, enrolment);
  const roots =
    settings.stateDirectory === null ? placeRoots(process.env, process.getuid?.() ?? 0) : [settings.stateDirectory];
  const visit = openVisit(request, roots, { machine: machineName(), collector: enrolment.collector }, true);
  const bootId = readBootId();
  const running = claimPlace(visit.dirs, bootId, { own: true, patienceMs });
  let outcome: Buffer | AgentFault;
  try {
    outcome =
      running === null
        ? await makeReport(request, visit, await collectOfSystem(), bootId)
        : { code: 'agent-stuck', message: `agent ${running.pid} has not ended (state ${running.state})` };
  } finally {
    if (running === null) releasePlace(visit.dirs);
  }
  const fault = 'code' in outcome ? outcome : null;
  const unspooled = 'code' in outcome || visit.spoolError === null ? null : outcome;
  const clients = enrolment.was === null ? [settings.client] : [settings.client, enrolment.was];
  const backoff = openPushBackoff(visit.dirs);
  const nextStream = pushStreams({ visit, clients, bootId, fault, unspooled, failures: backoff.failures });
  const lost = `the newest report is lost: it could not be kept (${visit.spoolError ?? ''})`;
  const pausedUntilMs = atOnce ? null : backoff.until(nowMs());
  if (pausedUntilMs !== null) {
    const isKept = fault === null && unspooled === null;
    const kept = visit.spooled.length + (isKept ? 1 : 0);
    return { acknowledged: 0, kept, fault, failure: unspooled === null ? null : lost, advice: null, pausedUntilMs };
  }
  const way = options.way ?? pushWay(settings.client, enrolment);
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

function requestOf({ client, options }: AgentSettings, { was, collector, publicKey, checks }: Enrolment): AgentRequest {
  return {
    v: protocolVersion,
    kind: 'visit',
    run: randomUUID(),
    client,
    ...(was === null ? {} : { was }),
    collector,
    marker: '',
    key: publicKey,
    options,
    checks,
    // The agent counts from the start of its process, which may have made reports before.
    deadlineMs: probesMs + Math.round(process.uptime() * secondMs),
    maxFrames: pushLimits.maxReports,
    maxBytes: maxSealedBytes,
  };
}

/** Returns the name of this machine in the places of agents, as src/loader/find-machine.sh has it. */
function machineName(): string {
  const files = ['/etc/machine-id', '/var/lib/dbus/machine-id', '/proc/sys/kernel/hostname'];
  const name = files.map(firstWord).find((word) => word !== '') ?? hostname();
  return /^[^.\-/][^/]*$/.test(name) ? name : 'unknown';
}

function firstWord(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n')[0]?.trim() ?? '';
  } catch {
    return '';
  }
}
