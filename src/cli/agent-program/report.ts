import path from 'node:path';

import { keepReporting, takeKeptReport } from '../../agent-program/agent-program.ts';
import { formatReport, type ReportFormat } from '../../agent-program/format-report.ts';
import { parseEvery } from '../../agent-program/every-bounds.ts';
import { readSettings } from '../../agent-program/settings.ts';
import { openStatePlace } from '../../agent-program/state-place.ts';
import { usageError } from '../../errors.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { createOutputLog } from '../terminal/output.ts';

export interface ReportOptions {
  readonly format: ReportFormat | null;
  readonly every: string | null;
  readonly file: string | null;
}

/** Prints one report. With `every`, appends reports to a file until a signal arrives. */
export async function reportCommand(context: Context, options: ReportOptions): Promise<ExitStatus> {
  const { every, file } = options;
  const settings = readSettings(context.configFile);
  const format = options.format ?? settings.report.format;
  if (every === null && file !== null)
    throw usageError('--output needs --every', 'See fleet-health-agent report --help.');
  const everyMs = every === null ? null : parseEvery(every);
  const place = openStatePlace(settings.stateDirectory);
  if (everyMs === null) {
    context.output.printJson(formatReport(format, await takeKeptReport(settings, place)));
    return 0;
  }
  const log = createOutputLog(context.output);
  await keepReporting({
    ...{ settings, place, format, everyMs, log, signal: context.signal },
    file: path.resolve(file ?? settings.report.file ?? path.join(place, 'reports.jsonl')),
  });
  log.event('stopped', {});
  return 0;
}
