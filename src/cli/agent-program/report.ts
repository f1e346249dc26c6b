import path from 'node:path';

import { keepReporting, takeKeptReport } from '../../agent-program/agent-program.ts';
import { formatReport } from '../../agent-program/format-report.ts';
import { parseEvery } from '../../agent-program/every-bounds.ts';
import { readSettings } from '../../agent-program/settings.ts';
import { openStatePlace } from '../../agent-program/state-place.ts';
import { type UnreadOutput, unreadOutput } from '../../report/checks/unread-output.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { createOutputLog, type Output } from '../terminal/output.ts';
import type { reportParameters } from './parameters.ts';

/** Prints one report. With `every`, appends reports to a file until a signal arrives. */
export async function reportCommand(
  context: Context,
  options: OptionsOf<typeof reportParameters>,
): Promise<ExitStatus> {
  const { every, file } = options;
  const settings = readSettings(context.configFile);
  const format = options.format ?? settings.report.format;
  if (every === null && file !== null)
    throw usageError('--output needs --every', 'See fleet-health-agent report --help.');
  const everyMs = every === null ? null : parseEvery(every);
  const place = openStatePlace(settings.stateDirectory);
  if (everyMs === null) {
    const taken = await takeKeptReport(settings, place);
    printReport(context.output, formatReport(format, taken), unreadOutput(taken.report.checks ?? []));
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

/** Prints a report, and on stderr what was left out of the checks' output; with --json both in one document. */
function printReport(output: Output, report: unknown, skipped: readonly UnreadOutput[]): void {
  if (output.json) {
    output.printJson({ command: 'report', report, skipped });
    return;
  }
  output.printJson(report);
  for (const { where, why } of skipped) output.complain(escapeControls(`left out: ${where}: ${why}`));
}
