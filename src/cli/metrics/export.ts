import path from 'node:path';

import { unwritableError, usageError } from '../../platform/errors/errors.ts';
import { csvHistory } from '../../look/metrics/export-csv.ts';
import { jsonlHistory } from '../../look/metrics/export-jsonl.ts';
import { openMetricsHistory } from '../../look/metrics/export-openmetrics.ts';
import { figureFamilies } from '../../look/metrics/families.ts';
import type { HistoryOptions } from '../../look/metrics/history.ts';
import type { HistoryTable } from '../../look/metrics/history-tables.ts';
import { seriesFamilies } from '../../look/metrics/series-families.ts';
import { writeStreamed } from '../../state-folder/streamed-file.ts';
import { counted, describeSize } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { readAfterFirstRun } from '../command/read-stored.ts';
import { loadSettings, selectedClients } from '../command/settings.ts';
import { parseSince } from '../command/until.ts';
import { noProgress, progressOf } from '../terminal/progress.ts';
import { jsonTime } from '../terminal/reader-time.ts';
import { readGroups } from './metrics.ts';
import type { exportParameters } from './parameters.ts';
import { printChunks } from './print-chunks.ts';

type ExportCommandOptions = OptionsOf<typeof exportParameters>;

const formats = ['openmetrics', 'csv', 'jsonl'] as const;
const historyGroups: readonly HistoryTable[] = ['client', 'check', 'disk', 'network', 'series'];

/** Runs `export`: writes the history, and holds only a part of it in memory. */
export async function exportCommand(context: Context, options: ExportCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  if (options.format === 'pattoo') return await pattooCommand(context, options);
  if (options.to !== null) throw usageError('--to is for pattoo alone', 'Name a file with -o.');
  const { format, groups } = readForm(options);
  const file = options.file === null ? null : path.resolve(options.file);
  if (output.json && file === null) throw usageError('--json needs a file to export to', 'Name one with -o.');
  const config = loadSettings(context);
  const clients = selectedClients(config, options)
    .map(({ name }) => name)
    .sort();
  await readAfterFirstRun(config.storage, signal, async (storage) => {
    const nowMs = await storage.nowMs();
    const untilMs = options.until === null ? nowMs : parseSince('--until', options.until, config, nowMs);
    const sinceMs = parseSince('--since', options.since ?? '1y', config, untilMs);
    const rounds = format === 'openmetrics' ? figureFamilies(groups).length + seriesFamilies(groups).length : 1;
    // A bar would stand within the history on the terminal.
    const isHidden = file === null && output.terminal;
    const progress = isHidden ? noProgress : (await progressOf(output))('clients', clients.length * rounds);
    const onProgress = (done: number): void => progress.to(done);
    const chunks = historyText(format, groups, { storage, clients, sinceMs, untilMs, signal, onProgress });
    try {
      if (file === null) {
        await printChunks(chunks);
        return;
      }
      const bytes = await writeStreamed({ file, mode: 0o640, chunks }).catch((thrown: unknown) => {
        throw unwritable(file, thrown);
      });
      progress.end();
      printDone(
        output,
        () => ({
          command: 'export',
          format,
          file,
          bytes,
          since: jsonTime(sinceMs),
          until: jsonTime(untilMs),
          clients: clients.length,
        }),
        () => `${file}: ${counted(clients.length, 'client')}, ${describeSize(bytes)}.`,
      );
    } finally {
      progress.end();
    }
  });
  return 0;
}

async function pattooCommand(context: Context, options: ExportCommandOptions): Promise<ExitStatus> {
  const { clients, group, families, file, until } = options;
  const isPart = clients.length > 0 || [group, families, file, until].some((option) => option !== null);
  if (isPart) throw usageError('export pattoo posts the reports of all clients', 'Leave out all but --to and --since.');
  const { exportPattoo } = await import('./export-pattoo.ts');
  return await exportPattoo(context, options);
}

/** Replaces a fault of the file by a usage error. Returns other errors unchanged. */
function unwritable(file: string, thrown: unknown): unknown {
  if (!(thrown instanceof Error) || !('syscall' in thrown)) return thrown;
  return unwritableError(file, thrown);
}

type Format = (typeof formats)[number];

/** Reads the format and the families. Throws FleetError `usage`. */
function readForm(options: ExportCommandOptions): {
  readonly format: Format;
  readonly groups: readonly HistoryTable[];
} {
  const format = formats.find((one) => one === options.format);
  if (format === undefined) {
    throw usageError(`${JSON.stringify(options.format)} is no format`, `Write ${[...formats, 'pattoo'].join(', ')}.`);
  }
  if (format !== 'csv') return { format, groups: readGroups(options.families, historyGroups) };
  const groups = readGroups(options.families ?? 'client', historyGroups);
  if (groups.length > 1)
    throw usageError('csv is one table', 'Write --families client, check, disk, network or series.');
  return { format, groups };
}

function historyText(format: Format, groups: readonly HistoryTable[], options: HistoryOptions): AsyncGenerator<string> {
  if (format === 'openmetrics') return openMetricsHistory(options, groups);
  return format === 'csv' ? csvHistory(options, groups[0] ?? 'client') : jsonlHistory(options, groups);
}
