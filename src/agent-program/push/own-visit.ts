/** src/agent-program/push: reports that a machine sends to the collector. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { makeReport } from '../../../agent/spool/make-report.ts';
import { openVisit, type Visit } from '../../../agent/spool/visit.ts';
import { readBootId } from '../../../agent/start/clock.ts';
import { placeRoots } from '../../../agent/start/places.ts';
import { claimPlace, releasePlace } from '../../../agent/start/running.ts';
import { secondMs } from '../../platform/units.ts';
import { protocolVersion, type AgentFault, type AgentRequest } from '../../report/wire.ts';
import { pushLimits } from '../../report/seal/push.ts';
import { maxSealedBytes, readHeader } from '../../report/seal/sealed-message.ts';
import type { AgentSettings } from '../settings.ts';
import { beginReport, collectOfSystem } from '../take-report.ts';
import type { Enrolment } from './push-settings.ts';

/**
 * A visit that this machine makes by itself, with the folders, the counters and the spool of the collector's visits.
 */
export interface OwnVisit {
  readonly visit: Visit;
  /** The names that a report may have. */
  readonly clients: readonly string[];
  readonly bootId: string | null;
  readonly request: Omit<AgentRequest, 'deadlineMs'>;
}

/** The outcome of this run's report. */
export interface OwnReport {
  /** The reason why no report was made; null if one was made. */
  readonly fault: AgentFault | null;
  /** The report if it could not be spooled; null if not. */
  readonly unspooled: Buffer | null;
  /** The id of the report; null if none was made. */
  readonly reportId: string | null;
}

export const noOwnReport: OwnReport = { fault: null, unspooled: null, reportId: null };

const probesMs = 20 * secondMs;
/** The time limit of the wait for the end of an earlier agent. A first report takes a second and more. */
const claimTimeoutMs = 3 * secondMs;

export function openOwnVisit(settings: AgentSettings, enrolment: Enrolment): OwnVisit {
  const { client, stateDirectory } = settings;
  const { was, collector } = enrolment;
  const roots = stateDirectory === null ? placeRoots(process.env, process.getuid?.() ?? 0) : [stateDirectory];
  const request = requestOf(settings, enrolment);
  return {
    visit: openVisit({ ...request, deadlineMs: probesMs }, roots, { machine: machineName(), collector }, true),
    clients: was === null ? [client] : [client, was],
    bootId: readBootId(),
    request,
  };
}

/** Takes a report, seals it and spools it. */
export async function makeOwnReport({ visit, bootId, request }: OwnVisit, timeoutMs = probesMs): Promise<OwnReport> {
  const running = claimPlace(visit.dirs, bootId, { own: true, timeoutMs: claimTimeoutMs });
  if (running !== null) {
    const message = `agent ${running.pid} has not ended (state ${running.state})`;
    return { ...noOwnReport, fault: { code: 'agent-stuck', message } };
  }
  try {
    const begun = beginReport();
    const deadlineMs = Math.min(probesMs, timeoutMs);
    const outcome = await makeReport({ ...request, deadlineMs }, visit, await collectOfSystem(), bootId, begun);
    if ('code' in outcome) return { ...noOwnReport, fault: outcome };
    const { reportId } = readHeader(outcome);
    return { fault: null, unspooled: visit.spoolError === null ? null : outcome, reportId };
  } finally {
    releasePlace(visit.dirs);
  }
}

function requestOf(
  { client, options }: AgentSettings,
  { was, collector, publicKey, checks }: Enrolment,
): Omit<AgentRequest, 'deadlineMs'> {
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
    maxFrames: pushLimits.maxReports,
    maxBytes: maxSealedBytes,
  };
}

/** Returns the name of this machine in the paths of agents, as src/transport/loader/find-machine.sh forms it. */
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
