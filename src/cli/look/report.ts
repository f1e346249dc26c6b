import path from 'node:path';

import { selectClients } from '../../config/clients/select-clients.ts';
import type { Client, Config } from '../../config/config.ts';
import { messageOf, usageError } from '../../errors.ts';
import { readFleetPage } from '../../look/look.ts';
import type { FleetPage } from '../../page/page.ts';
import { renderFleetPage } from '../../page/fleet-page.ts';
import { writeDurably } from '../../state/durable-file.ts';
import { counted, describeSize, parseSize } from '../../text/numbers.ts';
import { printDone } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { readStored, type Stored } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { parseSince } from '../command/until.ts';
import { startProgress } from '../terminal/progress.ts';
import { jsonTime, utcMinute } from '../terminal/reader-time.ts';

export interface ReportCommandOptions {
  readonly clients: readonly string[];
  readonly group: string | null;
  readonly file: string | null;
  readonly since: string;
  readonly until: string | null;
  readonly maxSize: string;
}

/** Bytes of a page beside the histories: its program, and a line a client. */
const pageBytes = 100_000;
const rowBytes = 1200;

/** `report`: writes the fleet as one HTML file. */
export async function reportCommand(context: Context, options: ReportCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const maxBytes = parseSize(options.maxSize.replace(/(?<=[KMG])B$/, 'iB'));
  if (maxBytes === null) throw usageError(`--max-size ${JSON.stringify(options.maxSize)} is no size`, 'Write 8MiB.');
  const clients = selectClients(config, {
    names: options.clients,
    groups: options.group === null ? [] : [options.group],
  });
  const page = await readStored(config.storage, signal, (stored) =>
    readPage({ context, config, clients, options, maxBytes }, stored),
  );
  if (page === null) {
    throw usageError('nothing is stored yet, so there is nothing to report', 'Run `fleet-health collect` first.');
  }
  const html = renderFleetPage(page);
  if (options.file === null && !output.json && !process.stdout.isTTY) {
    process.stdout.write(html);
    return 0;
  }
  const file = path.resolve(options.file ?? `report-${utcMinute(page.untilMs).slice(0, 10).replaceAll('-', '')}.html`);
  try {
    writeDurably({ file, content: html, mode: 0o640 });
  } catch (thrown) {
    throw usageError(`${file} cannot be written: ${messageOf(thrown)}`, 'Name a file in a folder that can be written.');
  }
  printDone(
    output,
    () => ({
      command: 'report',
      file,
      bytes: Buffer.byteLength(html),
      since: jsonTime(page.sinceMs),
      until: jsonTime(page.untilMs),
      clients: page.clients.length,
      open_alerts: page.alerts.length,
      omissions: page.omissions,
    }),
    () =>
      [
        `${file}: ${counted(page.clients.length, 'client')}, ${describeSize(Buffer.byteLength(html))}. Open it in a browser.`,
        ...page.omissions,
      ].join('\n'),
  );
  return 0;
}

interface ReadPageOptions {
  readonly context: Context;
  readonly config: Config;
  readonly clients: readonly Client[];
  readonly options: ReportCommandOptions;
  readonly maxBytes: number;
}

/** Returns null before the first run. */
async function readPage(
  { context, config, clients, options, maxBytes }: ReadPageOptions,
  stored: Stored,
): Promise<FleetPage | null> {
  const { alerts, look } = stored;
  if (alerts === null || look === null) return null;
  const nowMs = await alerts.nowMs();
  const untilMs = options.until === null ? nowMs : parseSince('--until', options.until, config, nowMs);
  const sinceMs = parseSince('--since', options.since, config, untilMs);
  const isWhole = clients.length === config.clients.length;
  const progress = context.output.attended ? startProgress('reading', 100) : null;
  try {
    return await readFleetPage({
      config,
      history: stored.history,
      alerts,
      look,
      clients,
      isWhole,
      title: isWhole ? 'Fleet' : [...options.clients, options.group].filter((name) => name !== null).join(', '),
      sinceMs,
      untilMs,
      isPast: options.until !== null,
      historyBytes: Math.max(0, maxBytes - pageBytes - rowBytes * clients.length),
      signal: context.signal,
      onProgress: (share) => progress?.to(Math.round(share * 100)),
    });
  } finally {
    progress?.end();
  }
}
