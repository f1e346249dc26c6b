import { hostname } from 'node:os';

import type { AlertEvent } from '../../alerter/alert-options.ts';
import { alert } from '../../alerter/alerter.ts';
import { counted } from '../../text/numbers.ts';
import type { Config } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import { claimHourlyLine } from '../../notify/hourly-line.ts';
import { isDatabaseAway, openAwayNotices, type AwayNotices } from '../../notify/away-notices.ts';
import { databaseAway } from '../../notify/away-state.ts';
import { statePaths } from '../../state/paths.ts';
import { steadyClock } from '../../platform/steady-clock.ts';
import { openStorage } from '../../storage/open-storage.ts';
import { complain, complaintText } from '../command/complain.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { tellOfConfig, worseOf } from './tell-of-config.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime } from '../terminal/reader-time.ts';
import { loadLastSettings } from '../command/settings.ts';
import type { AlertView, AlertViewOptions } from './alert-view.ts';

export interface AlertCommandOptions {
  /** Print the mails that would be sent, and change nothing. */
  readonly dryRun: boolean;
}

/** `alert`: one pass. It is a line of every minute in a crontab, so it loads only what it needs. */
export async function alertCommand(context: Context, { dryRun }: AlertCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const { config, broken } = loadLastSettings(context);
  const { storage, smtp, stateDir } = config;
  const view = await viewFor(output, {
    dryRun,
    outbox: smtp === null ? statePaths(stateDir).outbox : null,
    time: readerTime(config, Date.now()),
  });
  const host = hostname();
  const tells = { config, program: 'alert', host, now: Date.now, signal } as const;
  const teller = openAwayNotices({ ...tells, topic: databaseAway });
  const endConfig = dryRun ? null : tellOfConfig(broken, tells, output);
  const pass = alert({
    config,
    openStorage: () => openStorage({ storage, migrate: storage.migrate && !dryRun, program: 'alert' }),
    dryRun,
    signal,
    observe: (event) => {
      if (event.kind === 'undelivered') complainOfMails(event, config, output);
      view.observe(event);
    },
    now: steadyClock(),
    host,
  });
  const result = dryRun ? await pass : await pass.catch((thrown: unknown) => heed(thrown, teller, output));
  if (!dryRun && result.outcome !== 'overlapped') {
    for (const fault of await teller.end(result.outcome === 'finished')) output.complain(complaintText(fault));
  }
  await endConfig?.();
  if (result.outcome !== 'away') view.end(result);
  return broken === null ? result.exitStatus : worseOf(result.exitStatus, 1);
}

/** Cron mails every line: that mails are not delivered is said every hour, quiet or not. */
function complainOfMails(event: Undelivered, config: Config, output: Output): void {
  const isDue = claimHourlyLine(statePaths(config.stateDir).undeliveredSaid, event.sinceMs, Date.now());
  if (!isDue || output.json) return;
  const [first = '', ...others] = event.recipients;
  const whom = others.length === 0 ? first : `${first} and ${others.length} more`;
  const since = readerTime(config, Date.now()).moment(event.sinceMs);
  const error = event.error === null ? '' : `: ${event.error}`;
  const message = `${counted(event.mails, 'mail')} to ${whom} not delivered since ${since}${error}`;
  output.complain(complaintText(new FleetError({ code: 'mail-undelivered', stage: 'mail', message })));
}

type Undelivered = Extract<AlertEvent, { readonly kind: 'undelivered' }>;

/** Cron mails every line: that the database is still away is said every hour. */
function heed(thrown: unknown, teller: AwayNotices, output: Output): Away {
  if (!(thrown instanceof FleetError) || !isDatabaseAway(thrown)) throw thrown;
  const isDue = teller.heed(thrown);
  if (isDue || output.json || output.terminal || output.verbosity === 'verbose') complain(output, thrown);
  return { outcome: 'away', exitStatus: thrown.exitStatus };
}

/** A pass that could not be made for want of the database; it was said, where that was due. */
interface Away {
  readonly outcome: 'away';
  readonly exitStatus: ExitStatus;
}

async function viewFor(output: Output, options: AlertViewOptions): Promise<AlertView> {
  if (output.json) return (await import('./alert-json.ts')).createAlertJsonView(output, options);
  const forPeople = options.dryRun || (output.attended && output.verbosity !== 'quiet');
  if (forPeople) return (await import('./alert-text.ts')).createAlertTextView(output, options);
  return (await import('./alert-lines.ts')).createAlertLineView(output, Date.now);
}
