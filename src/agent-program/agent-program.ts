/**
 * The second program, `fleet-health-agent`: what a machine does by itself, without a visit of the collector. Its
 * reports come from the probes that visits run (agent/).
 */
import type { Counters } from '../../agent/probes/collected.ts';
import { readCounters, writeCounters } from '../../agent/spool/counters-file.ts';
import { setTimeout as sleep } from 'node:timers/promises';

import { messageOf } from '../errors.ts';
import type { LogFields } from '../log.ts';
import { appendLine } from './bounded-file.ts';
import { formatReport, type ReportFormat } from './format-report.ts';
import type { AgentSettings } from './settings.ts';
import { takeReport, type TakenReport } from './take-report.ts';

/** The log of a mode that stays. */
export interface AgentLog {
  readonly event: (event: string, fields: LogFields) => void;
  readonly problem: (event: string, fields: LogFields) => void;
}

/** Takes one report by the counters of the state folder, and keeps the new ones there. */
export async function takeKeptReport(settings: AgentSettings, place: string): Promise<TakenReport> {
  const previous = readCounters([place]);
  const taken = await takeReport({ ...settings, previous, placeDir: place });
  if (taken.counters !== null) writeCounters([place], taken.counters);
  return taken;
}

export interface ReportLoop {
  readonly settings: AgentSettings;
  readonly place: string;
  readonly file: string;
  readonly format: ReportFormat;
  readonly everyMs: number;
  readonly log: AgentLog;
  readonly signal: AbortSignal;
}

/** The least time by which two reports are further apart than rates need: clocks count in hundredths of a second. */
const marginMs = 20;

/** Appends a line for each report to the file until the signal aborts. A report that fails is logged and left out. */
export async function keepReporting({
  settings,
  place,
  file,
  format,
  everyMs,
  log,
  signal,
}: ReportLoop): Promise<void> {
  log.event('started', { mode: 'report', file, every_s: everyMs / 1000 });
  let previous: Counters | null = readCounters([place]);
  while (!signal.aborted) {
    try {
      const taken = await takeReport({ ...settings, previous, placeDir: place });
      previous = taken.counters ?? previous;
      appendLine(file, JSON.stringify(formatReport(format, taken)));
    } catch (thrown) {
      log.problem('report-failed', { reason: messageOf(thrown) });
    }
    await sleep(everyMs + marginMs, undefined, { signal }).catch(() => undefined);
  }
  if (previous !== null) writeCounters([place], previous);
  log.event('stopped', { mode: 'report' });
}
