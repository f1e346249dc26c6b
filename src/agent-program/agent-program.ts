/**
 * The second program, `fleet-health-agent`, which a machine runs by itself, without a visit of the collector. Its
 * reports come from the probes of visits (agent/).
 */
import type { Counters } from '../../agent/probes/collected.ts';
import { readCounters, writeCounters } from '../../agent/spool/counters-file.ts';
import { setTimeout as sleep } from 'node:timers/promises';

import { messageOf } from '../platform/errors/errors.ts';
import type { LogFields } from '../platform/errors/log.ts';
import { unlessAborted } from '../platform/deadline.ts';
import { appendLine } from './bounded-file.ts';
import { formatReport, type ReportFormat } from './format-report.ts';
import type { AgentSettings } from './settings.ts';
import { takeReport, type TakenReport } from './take-report.ts';

/** The log of a mode that keeps running. */
export interface AgentLog {
  readonly event: (event: string, fields: LogFields) => void;
  readonly problem: (event: string, fields: LogFields) => void;
}

/** Takes one report with the counters of the state folder, and stores the new counters there. */
export async function takeKeptReport(settings: AgentSettings, place: string): Promise<TakenReport> {
  const previous = readCounters([place]);
  const taken = await takeReport({ ...settings, previous, placeDir: place });
  if (taken.counters !== null) writeCounters([place], taken.counters);
  return taken;
}

export interface ReportLoop {
  readonly settings: AgentSettings;
  readonly place: string;
  readonly everyMs: number;
  readonly log: AgentLog;
  readonly signal: AbortSignal;
  /** Called with each report. Its errors are logged. */
  readonly take: (taken: TakenReport) => void | Promise<void>;
}

/**
 * The margin added to the interval of reports, so that rates get their least interval: clocks count in hundredths of a
 * second.
 */
const marginMs = 20;

/** Takes reports repeatedly until the signal aborts. Logs and skips a report that fails. */
export async function everyReport({ settings, place, everyMs, log, signal, take }: ReportLoop): Promise<void> {
  let previous: Counters | null = readCounters([place]);
  const checks = settings.enrolment?.checks ?? null;
  await repeat({ everyMs: everyMs + marginMs, log, failedEvent: 'report-failed', signal }, async () => {
    // A check may take as long as a report.
    const taken = await unlessAborted(takeReport({ ...settings, checks, previous, placeDir: place }), signal);
    previous = taken.counters ?? previous;
    await take(taken);
  });
  if (previous !== null) writeCounters([place], previous);
}

export interface Repetition extends Pick<ReportLoop, 'everyMs' | 'log' | 'signal'> {
  /** The event of the log for work that failed. */
  readonly failedEvent: string;
}

/** Does the work repeatedly, with a pause between, until the signal aborts. Logs work that fails. */
export async function repeat(
  { everyMs, log, signal, failedEvent }: Repetition,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
    } catch (thrown) {
      if (thrown === signal.reason) return;
      log.problem(failedEvent, { reason: messageOf(thrown) });
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

export interface ReportsFile extends Omit<ReportLoop, 'take'> {
  readonly file: string;
  readonly format: ReportFormat;
  /** Called after each report. */
  readonly note?: (status: { readonly lastReportAtMs: number; readonly queue: null }) => void;
}

/** Appends a line for each report to the file until the signal aborts. */
export async function keepReporting({ file, format, note, ...loop }: ReportsFile): Promise<void> {
  loop.log.event('reporting', { file, every_s: loop.everyMs / 1000 });
  await everyReport({
    ...loop,
    take: (taken) => {
      appendLine(file, JSON.stringify(formatReport(format, taken)));
      note?.({ lastReportAtMs: Date.now(), queue: null });
    },
  });
}
