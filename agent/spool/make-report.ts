import { randomFillSync } from 'node:crypto';

import { encodeReport } from '../../src/report/encode-report.ts';
import { reportVersion, type Report } from '../../src/report/report.ts';
import { agentFaultCodes, type AgentFault, type AgentFaultCode, type AgentRequest } from '../../src/report/wire.ts';
import { sealReport } from '../../src/report/seal/seal.ts';
import { uuidOf } from '../../src/report/seal/sealed-message.ts';
import { withBuiltIn } from '../checks/with-built-in.ts';
import type { ChecksPart } from '../checks/run-checks.ts';
import { startChecks } from '../checks/start-checks.ts';
import { openSource } from '../live/live-source.ts';
import { within } from '../probes/within.ts';
import { monotonicMs, utcText } from '../start/clock.ts';
import type { Collect, Collected, Counters } from '../probes/collected.ts';
import { damagedReports } from '../probes/function-report.ts';
import { readCounters, writeCounters } from './counters-file.ts';
import { readSpooled, spoolLimits, trimSpool } from './spool.ts';
import { keepReport, namesIn, type Visit } from './visit.ts';

/** The version, set by the bundler. */
declare const AGENT_VERSION: string;
export const agentVersion = typeof AGENT_VERSION === 'string' ? AGENT_VERSION : 'unbundled';

/** The part of the deadline for sealing, writing and sending. */
const reserveMs = 500;

/** The time between two readings of counters at a first visit. */
export const secondReadingMs = 1000;

/** The start of the work on a report, if its process has done other work before. */
export interface Begun {
  readonly cpu: NodeJS.CpuUsage;
  readonly uptime: number;
}

/** Runs the probes, seals the report and spools it. Returns a fault to send instead if that fails. */
export async function makeReport(
  request: AgentRequest,
  visit: Visit,
  collect: Collect | null | undefined,
  bootId: string | null,
  begun?: Begun,
): Promise<Buffer | AgentFault> {
  if (!collect) return agentFault('agent-failed', `this program makes no report of kind ${request.kind}`);
  try {
    const source = openSource('', visit.dirs[0] ?? null);
    const faults = source.notes?.faults ?? [];
    const previous = readCounters([...visit.dirs, ...visit.formerDirs], faults);
    const deadlineMs = Math.max(1, request.deadlineMs - reserveMs - wallMs(begun));
    const begunMs = monotonicMs();
    const checking = !isOfVisits(request) ? null : checksOf(request, visit, bootId, deadlineMs, faults);
    const collecting = collect({
      source,
      options: request.options,
      previous,
      bootId,
      monotonicMs: monotonicMs(),
      deadlineMs,
      secondReadingMs,
    });
    const collected = collecting instanceof Promise ? await within(collecting, deadlineMs) : collecting;
    if (collected === null)
      return agentFault('agent-timeout', `the probes did not end within ${Math.round(deadlineMs)} ms`);

    const leftMs = deadlineMs - (monotonicMs() - begunMs);
    const checks = checking === null ? null : await within(checking, Math.max(1, leftMs));

    const nowMs = Date.now();
    makeRoom(visit, request, previous, nowMs);
    const report = {
      ...describeReport(request, collected, { bootId, nowMs, dropped: visit.dropped, begun, faults }),
      ...withBuiltIn(checks, collected.checks),
    };
    const sealed = sealReport({
      publicKey: Buffer.from(request.key, 'base64url'),
      reportId: report.report_id,
      client: request.client,
      plaintext: encodeReport(report),
    });
    keepReport(visit, report.report_id, sealed, nowMs);
    // A lost report must not shorten the interval of the next report's rates.
    const isOfUse = request.kind === 'visit' || visit.spoolError === null;
    if (collected.counters && isOfUse) keepCounters(visit, request, collected.counters, previous);
    return sealed;
  } catch (thrown) {
    const { code, message } = thrown as Partial<NodeJS.ErrnoException>;
    const known = agentFaultCodes.find((candidate) => candidate === code);
    return agentFault(known ?? 'agent-failed', message ?? String(thrown));
  }
}

/** True if a report is that of a visit: with checks, and with the counters of the visit before. */
function isOfVisits({ kind }: Pick<AgentRequest, 'kind'>): boolean {
  return kind === 'visit' || kind === 'spool';
}

/** Starts the checks of this client. Returns null if there are none. */
export function checksOf(
  request: Pick<AgentRequest, 'checks'>,
  visit: Pick<Visit, 'dirs'>,
  bootId: string | null,
  deadlineMs: number,
  faults: string[],
): Promise<ChecksPart> | null {
  const requested = Array.isArray(request.checks) ? (request.checks as readonly unknown[]) : [];
  return startChecks({ requested, placeDir: visit.dirs[0] ?? null, faults, bootId, deadlineMs });
}

/** Sets damaged reports of the spool aside, and removes surplus ones. */
function makeRoom(visit: Visit, request: AgentRequest, previous: Counters | null, nowMs: number): void {
  const { kept, dropped } = trimSpool(visit.spooled, spoolLimits, nowMs);
  visit.dropped = dropped + (isOfVisits(request) ? (previous?.dropped ?? 0) : 0);
  visit.spooled = kept;
  if (request.kind !== 'visit') return;
  const clients = namesIn(request);
  // Checks only the reports of this visit, so that a long spool does not slow down every visit.
  const damaged = kept
    .slice(0, request.maxFrames)
    .filter((report) => readSpooled(report, clients, request.maxBytes) === 'dropped');
  visit.dropped += damaged.length;
  visit.spooled = kept.filter((report) => !damaged.includes(report));
}

/** Writes the counters. All kinds of reports share them: each covers the time since the previous one, without gaps. */
function keepCounters(visit: Visit, { kind }: AgentRequest, counters: Counters, previous: Counters | null): void {
  const visitedMs = previous?.bootId === counters.bootId ? (previous.visitedMs ?? null) : null;
  writeCounters([...visit.dirs, ...visit.formerDirs], {
    ...counters,
    visitedMs: kind === 'visit' ? counters.monotonicMs : visitedMs,
    dropped: kind === 'visit' ? 0 : visit.dropped,
  });
}

/** Returns the report of the probes' findings, without checks. */
export function describeReport(
  request: Pick<AgentRequest, 'kind' | 'run' | 'client'>,
  collected: Collected,
  {
    bootId,
    nowMs,
    dropped,
    begun,
    faults,
  }: {
    bootId: string | null;
    nowMs: number;
    dropped: number;
    begun?: Begun | undefined;
    faults: readonly string[];
  },
): Report {
  const { user, system } = process.cpuUsage(begun?.cpu);
  return {
    name: 'Daemon report',
    version: reportVersion,
    datetime: utcText(nowMs),
    report_id: newReportId(),
    run_id: request.run,
    client: request.client,
    agent: {
      version: agentVersion,
      cpu_ms: Math.round((user + system) / 1000),
      wall_ms: Math.round(wallMs(begun)),
      rss_bytes: process.memoryUsage.rss(),
      // Reports removed between visits are counted until the report of the next visit.
      ...(dropped > 0 && request.kind !== 'spool' ? { dropped_reports: dropped } : {}),
    },
    boot_id: bootId,
    monotonic_ms: monotonicMs(),
    worker_reports: [...collected.workerReports, ...damagedReports(faults)],
    ...collected.report,
  };
}

function wallMs(begun: Begun | undefined): number {
  return (process.uptime() - (begun?.uptime ?? 0)) * 1000;
}

/**
 * Returns a UUID of version 4 (RFC 9562, 5.4). randomUUID of node:crypto is slower: it first fills a cache of 128 ids.
 */
function newReportId(): string {
  const bytes = randomFillSync(Buffer.allocUnsafe(16));
  bytes[6] = 0x40 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return uuidOf(bytes.toString('hex'));
}

export function agentFault(code: AgentFaultCode, message: string): AgentFault {
  return { code, message: message.slice(0, 500) };
}
