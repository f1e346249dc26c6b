import path from 'node:path';

import { selectClients } from '../../config/clients/select-clients.ts';
import type { Config } from '../../config/config.ts';
import { fileFault, unwritableError, usageError } from '../../platform/errors/errors.ts';
import { readFleetPage } from '../../look/data/look.ts';
import { historyBytesOf } from '../../look/data/report-html.ts';
import { type FleetOutliers, fleetOutliers, noOutliers } from '../../alerter/outliers/outliers.ts';
import type { FleetPage } from '../../look/page/page.ts';
import { renderFleetPage } from '../../look/page/fleet-page.ts';
import { foreignOwner, writeDurably } from '../../state-folder/durable-file.ts';
import { counted, describeSize, parseSize } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { readAfterFirstRun } from '../command/read-stored.ts';
import { loadSettingsToShow } from '../command/settings.ts';
import { parseSince } from '../command/until.ts';
import { progressOf } from '../terminal/progress.ts';
import { jsonTime, utcMinute } from '../terminal/reader-time.ts';
import type { reportParameters } from './parameters.ts';
import { type SplitReportOptions, writeSplitReport } from './split-report.ts';
import type { Storage } from '../../storage/store/storage.ts';

type ReportCommandOptions = OptionsOf<typeof reportParameters>;

/** Runs `report`: writes the fleet as one HTML file, or with --split as a file per group. */
export async function reportCommand(context: Context, options: ReportCommandOptions): Promise<ExitStatus> {
  const { signal } = context;
  const config = loadSettingsToShow(context);
  const maxBytes = parseSize(options.maxSize.replace(/(?<=[KMG])B$/, 'iB'));
  if (maxBytes === null) throw usageError(`--max-size ${JSON.stringify(options.maxSize)} is no size`, 'Write 8MiB.');
  const clients = selectClients(config, {
    names: options.clients,
    groups: options.group === null ? [] : [options.group],
    labels: options.label,
  });
  const title =
    [...options.clients, options.group, options.label].filter((name) => name !== null).join(', ') || 'Fleet';
  if (options.split !== null && options.file !== null) {
    throw usageError('--output and --split contradict each other', 'Give one of them.');
  }
  const { split } = options;
  await readAfterFirstRun(config.storage, signal, async (storage) => {
    const read = pageReader({ context, config, options, maxBytes }, storage);
    if (split === null) writeOne(context, options.file, await read(clients, title));
    else await writeSplit(context, { dir: path.resolve(split), clients, title, readPage: read, write: writePart });
  });
  return 0;
}

function writeOne({ output }: Context, given: string | null, page: FleetPage): void {
  const html = renderFleetPage(page);
  if (given === null && !output.json && !process.stdout.isTTY) {
    process.stdout.write(html);
    return;
  }
  const file = path.resolve(given ?? `report-${utcMinute(page.untilMs).slice(0, 10).replaceAll('-', '')}.html`);
  writeReport(file, html);
  const bytes = Buffer.byteLength(html);
  printDone(
    output,
    () => ({
      command: 'report',
      file,
      bytes,
      since: jsonTime(page.sinceMs),
      until: jsonTime(page.untilMs),
      clients: page.clients.length,
      open_alerts: page.alerts.length,
      omissions: page.omissions,
    }),
    () =>
      [
        `${file}: ${counted(page.clients.length, 'client')}, ${describeSize(bytes)}. Open it in a browser.`,
        ...page.omissions,
      ].join('\n'),
  );
}

async function writeSplit({ output }: Context, options: SplitReportOptions): Promise<void> {
  const owner = ownerOf(options.dir);
  if (owner !== null) {
    const advice = 'Name a folder of your own, or run report as that account.';
    throw usageError(`${options.dir} belongs to another account (uid ${owner}), which could read the reports`, advice);
  }
  const { files, span } = await writeSplitReport(options);
  const index = path.join(options.dir, 'index.html');
  printDone(
    output,
    () => ({
      command: 'report',
      file: index,
      since: jsonTime(span?.sinceMs ?? null),
      until: jsonTime(span?.untilMs ?? null),
      files: files.map(({ group, file, bytes, clients, openAlerts, omissions }) => ({
        ...{ group, file: path.join(options.dir, file), bytes, clients, open_alerts: openAlerts, omissions },
      })),
    }),
    () =>
      [
        `${index}: ${counted(options.clients.length, 'client')} in ${counted(files.length, 'file')}. ` +
          'Open it in a browser.',
        ...files.flatMap(({ file, omissions }) => omissions.map((words) => `${file}: ${words}`)),
      ].join('\n'),
  );
}

function ownerOf(dir: string): number | null {
  try {
    return foreignOwner(dir);
  } catch (thrown) {
    throw usageError(`--split: ${dir} cannot be used: ${fileFault(thrown)}`, 'Name a folder that can be written.');
  }
}

/** Writes a file of --split, and makes its folder. */
function writePart(file: string, content: string): void {
  writeReport(file, content, false);
}

function writeReport(file: string, content: string, inExistingFolder = true): void {
  try {
    writeDurably({ file, content, mode: 0o640, inExistingFolder });
  } catch (thrown) {
    throw unwritableError(file, thrown);
  }
}

interface PageReaderOptions {
  readonly context: Context;
  readonly config: Config;
  readonly options: ReportCommandOptions;
  readonly maxBytes: number;
}

/** Returns a function that reads the page of some clients. */
function pageReader(
  { context, config, options, maxBytes }: PageReaderOptions,
  storage: Storage,
): SplitReportOptions['readPage'] {
  let untilMs: number | null = null;
  let outliers: FleetOutliers | null = null;
  return async (clients, title) => {
    // All pages of a report end at the same time.
    const nowMs = await storage.nowMs();
    untilMs ??= options.until === null ? nowMs : parseSince('--until', options.until, config, nowMs);
    // Outliers are known only as of now.
    const { figures } = storage;
    outliers ??= options.until === null ? await fleetOutliers({ config, figures, groups: null, nowMs }) : noOutliers;
    const sinceMs = parseSince('--since', options.since, config, untilMs);
    const progress = (await progressOf(context.output))(options.split === null ? 'reading' : title, 100);
    try {
      return await readFleetPage({
        config,
        storage,
        clients,
        isWhole: clients.length === config.clients.length,
        title,
        sinceMs,
        untilMs,
        isPast: options.until !== null,
        outliers,
        historyBytes: Math.max(0, historyBytesOf(maxBytes, clients.length)),
        signal: context.signal,
        onProgress: (share) => progress.to(Math.round(share * 100)),
      });
    } finally {
      progress.end();
    }
  };
}
