import { withBuiltIn } from '../../agent/checks/with-built-in.ts';
import { openSource } from '../../agent/live/live-source.ts';
import { collect } from '../../agent/probes/collect.ts';
import { within } from '../../agent/probes/within.ts';
import type { Collect, Counters } from '../../agent/probes/collected.ts';
import { checksOf, describeReport, secondReadingMs, type Begun } from '../../agent/spool/make-report.ts';
import { monotonicMs, readBootId } from '../../agent/start/clock.ts';
import { FleetError } from '../platform/errors/errors.ts';
import { secondMs } from '../platform/units.ts';
import { encodeReport } from '../report/encode-report.ts';
import { noRunId, type Report } from '../report/report.ts';
import type { ProbeOptions, RequestedCheck } from '../report/wire.ts';

const deadlineMs = 20 * secondMs;

export interface TakeReportOptions {
  readonly client: string;
  readonly options: ProbeOptions;
  /** The checks besides those of this machine's own files; null for none. */
  readonly checks?: readonly RequestedCheck[] | null;
  /** The counters of the previous report; null if there are none. */
  readonly previous: Counters | null;
  /** A private folder for the notes of probes and checks. */
  readonly placeDir: string;
}

export interface TakenReport {
  readonly report: Report;
  /** The counters for the next report; null to keep the earlier ones. */
  readonly counters: Counters | null;
}

/**
 * Runs the probes and checks of a visit. Returns an unsealed report. Throws FleetError `agent-timeout` if they do not
 * end in time.
 */
export async function takeReport({
  client,
  options,
  checks: asked,
  previous,
  placeDir,
}: TakeReportOptions): Promise<TakenReport> {
  const bootId = readBootId();
  const begunMs = monotonicMs();
  const begun = beginReport();
  const source = openSource('', placeDir);
  const faults = source.notes?.faults ?? [];
  const checking = checksOf({ checks: asked ?? [] }, { dirs: [placeDir] }, bootId, deadlineMs, faults);
  const probes = await collectOfSystem();
  const collecting = Promise.resolve(
    probes({
      source,
      options,
      previous,
      bootId,
      monotonicMs: begunMs,
      deadlineMs,
      secondReadingMs,
    }),
  );
  const collected = await within(collecting, deadlineMs);
  if (collected === null) {
    const message = `the probes did not end within ${deadlineMs / secondMs} s`;
    throw new FleetError({ code: 'agent-timeout', stage: 'agent', message });
  }
  const leftMs = Math.max(1, deadlineMs - (monotonicMs() - begunMs));
  const checks = checking === null ? null : await within(checking, leftMs);
  const request = { kind: 'visit', run: noRunId, client } as const;
  const described = describeReport(request, collected, { bootId, nowMs: Date.now(), dropped: 0, begun, faults });
  const report = { ...described, ...withBuiltIn(checks, collected.checks) };
  // Corrects texts and numbers that a reader of sealed reports would refuse, as in a sealed report.
  return { report: JSON.parse(encodeReport(report).toString()) as Report, counters: collected.counters };
}

/** Returns the start of a report now, because this process may have made other reports before. */
export function beginReport(): Begun {
  return { cpu: process.cpuUsage(), uptime: process.uptime() };
}

/** Returns the probes of this system. */
export async function collectOfSystem(): Promise<Collect> {
  if (process.platform === 'linux') return collect;
  return (await import('../../agent/portable/collect-portable.ts')).collectPortable;
}
