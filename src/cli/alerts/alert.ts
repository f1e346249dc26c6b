import { hostname } from 'node:os';

import type { AlertEvent } from '../../alerter/alert-options.ts';
import { alert } from '../../alerter/alerter.ts';
import type { Config } from '../../config/config.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { isDatabaseAway } from '../../notify/away-notices.ts';
import { isWrittenOnly } from '../../notify/mail-identity.ts';
import { claimHourlyLine, claimLine } from '../../notify/hourly-line.ts';
import { steadyClock } from '../../platform/steady-clock.ts';
import { dayMs } from '../../platform/units.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { openStorage } from '../../storage/open-storage.ts';
import { counted } from '../../text/numbers.ts';
import { complain, complaintText } from '../command/complain.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { loadLastSettings } from '../command/settings.ts';
import { createOutputLog, type Output } from '../terminal/output.ts';
import { readerTime } from '../terminal/reader-time.ts';
import { createAlertView } from './alert-views.ts';
import { openRunNotices, type RunNotices, showsAll, stillText } from '../runs/run-notices.ts';
import { showEvent } from '../runs/run-view.ts';

/** Runs `alert`: makes one pass of the alerter. Cron starts `alert` every minute, so it loads only needed modules. */
export async function alertCommand(context: Context, { dryRun }: { readonly dryRun: boolean }): Promise<ExitStatus> {
  const { output, signal } = context;
  const { config, broken } = loadLastSettings(context);
  const { storage, smtp, stateDir } = config;
  const view = createAlertView(output, {
    dryRun,
    outbox: smtp === null ? statePaths(stateDir).outbox : null,
    time: readerTime(config, Date.now()),
  });
  const host = hostname();
  const notices = dryRun ? null : openRunNotices({ config, broken, program: 'alert', host, signal }, output);
  const untaken: Untaken[] = [];
  const told: Undelivered[] = [];
  const pass = alert({
    config,
    openStorage: () => openStorage({ storage, migrate: storage.migrate && !dryRun, program: 'alert' }),
    dryRun,
    signal,
    observe: (event) => {
      if (event.kind === 'undelivered') {
        told.push(event);
        complainOfMails(event, config, output);
      }
      if (event.kind === 'put-off' || event.kind === 'refused') untaken.push(event);
      if (event.kind === 'sent' && isWrittenOnly(config, event.recipient)) complainOfFile(event, config, output);
      if (event.kind === 'fault' && notices !== null) complainOfFault(event, notices, output);
      if (event.kind !== 'undelivered') showEvent(view, event);
    },
    now: steadyClock(),
    host,
    renderReport: async (stored, query) =>
      (await import('../../look/data/report-html.ts')).reportHtml({ config, storage: stored, ...query }),
  });
  const result = await (notices === null ? pass : pass.catch((thrown: unknown) => heed(thrown, notices, output)));
  if (told.length === 0) complainOfUntaken(untaken, config, output);
  await notices?.end(result.outcome === 'overlapped' ? null : result.outcome === 'finished');
  if (config.metrics !== null && !dryRun && result.outcome === 'finished') {
    await (await import('../runs/write-textfile.ts')).writeTextfile(config, config.metrics, output, signal);
  }
  if (result.outcome !== 'away') view.end(result);
  return broken === null || result.exitStatus > 1 ? result.exitStatus : 1;
}

/** Prints undelivered mails on stderr, quiet or not: once an hour, because cron mails every line. */
function complainOfMails(event: Undelivered, config: Config, output: Output): void {
  const isDue = claimHourlyLine(statePaths(config.stateDir).undeliveredLogged, event.sinceMs, Date.now());
  if (!isDue || output.json) return;
  const [first = '', ...others] = event.recipients;
  const whom = others.length === 0 ? first : `${first} and ${others.length} more`;
  const since = readerTime(config, Date.now()).moment(event.sinceMs);
  const error = event.error === null ? '' : `: ${event.error}`;
  const message = `${counted(event.mails, 'mail')} to ${whom} not delivered since ${since}${error}`;
  output.complain(complaintText(new FleetError({ code: 'mail-undelivered', stage: 'mail', message })));
}

/**
 * Prints a mail that was not taken on stderr, if quiet: once an hour. For the mails that no open alert lacks, such as a
 * refused canary; complainOfMails prints the others.
 */
function complainOfUntaken([first, ...others]: readonly Untaken[], { stateDir }: Config, output: Output): void {
  if (first === undefined || output.json || output.verbosity !== 'quiet') return;
  if (!claimHourlyLine(statePaths(stateDir).undeliveredLogged, 0, Date.now())) return;
  const { kind, recipient, error } = first;
  const more = others.length === 0 ? '' : `, and ${counted(others.length, 'mail')} more`;
  const message = `the mail to ${recipient}${more} was ${kind === 'refused' ? 'refused' : 'put off'}: ${error}`;
  output.complain(complaintText(new FleetError({ code: 'mail-undelivered', stage: 'mail', message })));
}

/** Prints on stderr once an hour, if quiet, that replies are not read or a stage failed. Other views print each. */
function complainOfFault({ fault }: Fault, notices: RunNotices, output: Output): void {
  if (fault.code !== 'replies-unread' && fault.code !== 'pass-incomplete') return;
  const isDue = notices.heed(fault);
  if (isDue && !output.json && output.verbosity === 'quiet') output.complain(complaintText(fault));
}

/** Prints on stderr once a day, if quiet, that mails are written to files. Other views print each mail. */
function complainOfFile({ recipient, where }: Sent, { stateDir }: Config, output: Output): void {
  if (output.json || output.verbosity !== 'quiet') return;
  if (!claimLine(statePaths(stateDir).writtenLogged, { sinceMs: 0, nowMs: Date.now(), everyMs: dayMs })) return;
  const message = `there is no <smtp>: the mail to ${recipient} was written to ${where}, and nobody is sent it`;
  const advice = 'Write <smtp host="..." from="..."/> into config.xml.';
  output.complain(complaintText(new FleetError({ code: 'mail-undelivered', stage: 'mail', message, advice })));
}

type Untaken = Extract<AlertEvent, { readonly kind: 'put-off' | 'refused' }>;
type Sent = Extract<AlertEvent, { readonly kind: 'sent' }>;
type Fault = Extract<AlertEvent, { readonly kind: 'fault' }>;
type Undelivered = Extract<AlertEvent, { readonly kind: 'undelivered' }>;

/** Prints the fault of an unreachable database once an hour, because cron mails every line. Throws any other fault. */
function heed(thrown: unknown, notices: RunNotices, output: Output): Away {
  if (!(thrown instanceof FleetError) || !isDatabaseAway(thrown)) throw thrown;
  const isDue = notices.heed(thrown);
  if (isDue || showsAll(output)) complain(output, thrown);
  else createOutputLog(output).event('note', { message: stillText(thrown) });
  return { outcome: 'away', exitStatus: thrown.exitStatus };
}

/** A pass that was not made, because the database is unreachable. */
interface Away {
  readonly outcome: 'away';
  readonly exitStatus: ExitStatus;
}
