import { hostname } from 'node:os';

import type { CollectResult } from '../../collector/collect-options.ts';
import { collect } from '../../collector/collector.ts';
import { steadyClock } from '../../platform/steady-clock.ts';
import { isDatabaseAway, openAwayNotices, type AwayNotices } from '../../notify/away-notices.ts';
import { databaseAway } from '../../notify/away-state.ts';
import { openStorage } from '../../storage/open-storage.ts';
import { transportFor } from '../../transport/transport-for.ts';
import { createTransportShared } from '../../transport/transport-shared.ts';
import type { CollectView } from './collect-view.ts';
import { complaintText } from '../command/complain.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { tellOfConfig, worseOf } from './tell-of-config.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime, type ReaderTime } from '../terminal/reader-time.ts';
import { chooseClients, loadLastSettings } from '../command/settings.ts';

export interface CollectCommandOptions {
  /** Names; empty: all. */
  readonly clients: readonly string[];
  readonly group: string | null;
  readonly dryRun: boolean;
  /** Stores reports sealed, whatever config.xml says. */
  readonly noOpen: boolean;
  /** null: a table where somebody sits at a terminal, else a log. */
  readonly format: 'table' | 'log' | null;
  readonly concurrency: number | null;
  /** null: not at all. */
  readonly retry: number | null;
}

/** From so many clients on memory counts for more than the last percents of time. */
const largeFleet = 1000;

/** `collect`: one pass over the fleet, shown to a person, a log or a program. */
export async function collectCommand(context: Context, options: CollectCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const { config, broken } = loadLastSettings(context);
  const chosen = chooseClients(config, options);
  const everyone = options.clients.length === 0 && options.group === null;
  const view = await viewFor(output, options.format, readerTime(config, Date.now()));
  const shared = createTransportShared({ config });
  const host = hostname();
  const tells = { config, program: 'collect', host, now: Date.now, signal } as const;
  const teller = options.dryRun ? null : openAwayNotices({ ...tells, topic: databaseAway });
  const endConfig = options.dryRun ? null : tellOfConfig(broken, tells, output);
  const observe = heeding(view, output, teller);
  const pass = (): Promise<CollectResult> =>
    collect({
      config,
      only: everyone ? null : new Set(chosen.map((client) => client.name)),
      ignoreBackoff: options.clients.length > 0,
      openStorage: (use) =>
        openStorage({ storage: config.storage, migrate: config.storage.migrate, program: 'collect', ...use }),
      transportFor: (client) => transportFor(client, shared),
      wayTo: (client) => shared.wayTo(client),
      spreadStart: everyone && !output.terminal,
      retries: options.retry ?? 0,
      dryRun: options.dryRun,
      ...(options.noOpen ? { open: false } : {}),
      ...(options.concurrency === null ? {} : { concurrency: options.concurrency }),
      signal,
      observe,
      now: steadyClock(),
      host,
    }).finally(() => shared.close());
  const result = await (chosen.length < largeFleet
    ? pass()
    : (await import('../../platform/heap-growth.ts')).withBoundedHeap(pass));
  if (teller !== null && result.outcome !== 'overlapped') await tellAway(teller, result, output);
  await endConfig?.();
  view.end(result);
  if (!options.dryRun && result.outcome !== 'overlapped') shared.keyLogins.save();
  return broken === null ? result.exitStatus : worseOf(result.exitStatus, 1);
}

/** Cron mails every line: that the database is still away is said every hour, and else is an event among others. */
function heeding(view: CollectView, output: Output, teller: AwayNotices | null): CollectView['observe'] {
  const saysAll = output.json || output.terminal || output.verbosity === 'verbose';
  return (event) => {
    if (event.kind !== 'fault' || teller === null || teller.heed(event.fault) || saysAll) view.observe(event);
    else view.observe({ kind: 'note', message: `still: ${event.fault.message} (${event.fault.code})` });
  };
}

async function tellAway(teller: AwayNotices, { faults, outcome }: CollectResult, output: Output): Promise<void> {
  const well = outcome === 'finished' && !faults.some(isDatabaseAway);
  for (const fault of await teller.end(well)) output.complain(complaintText(fault));
}

/** The view that fits: one JSON document, a progress bar and a table, or lines. Loads what it needs. */
async function viewFor(
  output: Output,
  format: CollectCommandOptions['format'],
  time: ReaderTime,
): Promise<CollectView> {
  if (output.json) return (await import('./collect-json.ts')).createJsonView(output);
  const usual = output.attended && output.verbosity === 'normal' ? 'table' : 'log';
  if ((format ?? usual) === 'table' && output.verbosity !== 'quiet') {
    return (await import('./collect-table.ts')).createTableView(output, time);
  }
  return (await import('./collect-lines.ts')).createLineView(output, Date.now);
}
