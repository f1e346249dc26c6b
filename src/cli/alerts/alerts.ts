import type { Notified } from '../../alerter/explain/explain-alerts.ts';
import type { Config } from '../../config/config.ts';
import { dayMs } from '../../platform/units.ts';
import type { ClosedReason } from '../../storage/store/alert.ts';
import type { Unsent } from '../../storage/store/outbox-store.ts';
import { describeAge } from '../../text/durations.ts';
import { counted } from '../../text/numbers.ts';
import { clientText, coverJson, coverText } from '../command/alert-words.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import { readStored } from '../command/read-stored.ts';
import { loadSettings } from '../command/settings.ts';
import { parseSince } from '../command/until.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import type { Output } from '../terminal/output.ts';
import { jsonTime, readerTime, type ReaderTime } from '../terminal/reader-time.ts';
import { type Cell, renderTable } from '../terminal/table.ts';
import { type AlertView, readAlerts, sinceMs } from './read-alerts.ts';

export interface AlertsCommandOptions {
  /** A client's name or pattern; null: all. */
  readonly client: string | null;
  /** Also alerts that have ended in the last seven days. */
  readonly all: boolean;
  /** Only alerts that have fired since that time, ended or not; null: whatever is open. */
  readonly since: string | null;
  /** Exit status 1 if an alert shown fires. */
  readonly exitStatus: boolean;
}

const recentMs = 7 * dayMs;

/** `alerts`: lists open alerts, since when they are, and who was notified. */
export async function alertsCommand(context: Context, options: AlertsCommandOptions): Promise<ExitStatus> {
  const { output, signal } = context;
  const config = loadSettings(context);
  const { views, nowMs } = await readStored(config.storage, signal, async ({ alerts }) => {
    if (alerts === null) return { views: [], nowMs: Date.now() };
    const now = await alerts.nowMs();
    const sinceMs = options.since === null ? null : parseSince('--since', options.since, config, now);
    const closedSinceMs = options.all ? Math.min(now - recentMs, sinceMs ?? Infinity) : sinceMs;
    const found = await readAlerts({ config, alerts, nowMs: now, client: options.client, closedSinceMs });
    return { views: sinceMs === null ? found : found.filter((view) => firedSince(view, sinceMs)), nowMs: now };
  });
  const nothing = options.since === null ? 'Nothing is open.' : 'Nothing has fired since then.';
  printAnswer(
    output,
    () => ({ command: 'alerts', at: jsonTime(nowMs), alerts: views.map(alertJson) }),
    () => (views.length === 0 ? nothing : alertsText(output, config, views, nowMs)),
  );
  return options.exitStatus && views.some(({ alert }) => alert.state === 'firing') ? 1 : 0;
}

/** True if the alert fired at any time since then. */
function firedSince({ alert }: AlertView, sinceMs: number): boolean {
  const { firingSinceMs, resolvedAtMs } = alert;
  return firingSinceMs !== null && (resolvedAtMs ?? Infinity) >= sinceMs;
}

/** The table, and the zone of its times. */
export function alertsText(output: Output, config: Config, views: readonly AlertView[], nowMs: number): string {
  const time = readerTime(config, nowMs);
  const table = renderTable(
    output,
    [
      { title: 'no', align: 'right', cell: ({ alert }) => String(alert.id ?? '') },
      { title: 'severity', cell: ({ alert }) => severityCell(alert) },
      { title: 'client', shrinks: true, keepsEnd: true, cell: ({ alert }) => clientText(alert.client) },
      {
        title: 'alert',
        shrinks: true,
        keepsEnd: true,
        cell: ({ alert: { rule, subject } }) => (subject === '' ? rule : `${rule} ${subject}`),
      },
      {
        title: 'value',
        shrinks: true,
        cell: ({ alert: { valueText, limitText } }) => (limitText === '' ? valueText : `${valueText} (${limitText})`),
      },
      { title: 'since', drops: true, cell: ({ alert }) => time.moment(sinceMs(alert)) },
      { title: 'age', align: 'right', cell: ({ alert }) => describeAge(nowMs - sinceMs(alert)) },
      { title: 'told', shrinks: true, keepsEnd: true, cell: ({ notified }) => notifiedText(notified, time) },
    ],
    views,
    (view) => notesOf(view, time),
  );
  const firing = views.filter(({ alert }) => alert.state === 'firing').length;
  const count = firing === 0 ? 'Nothing fires' : `${counted(firing, 'alert')} ${firing === 1 ? 'fires' : 'fire'}`;
  const whom = views.some(({ alert }) => alert.client === '') ? 'CLIENT, or --fleet,' : 'CLIENT';
  const more = `fleet-health explain ${whom} says more, ack NUMBER ends reminders.`;
  return `${table}\n\n${count}. Times are ${time.zone}. ${more}`;
}

function severityCell({ severity, state }: AlertView['alert']): Cell {
  if (state !== 'firing') return { text: state === 'pending' ? 'pending' : 'ended', colour: 'dim' };
  return { text: severity, colour: severity === 'critical' ? 'red' : 'yellow' };
}

/** Names the recipients of mails that were sent. The others get a note. */
function notifiedText(notified: AlertView['notified'], { moment }: ReaderTime): string {
  const [last, ...others] = notified.filter(({ unsent }) => unsent === null);
  if (last === undefined) return notified.length === 0 ? 'nobody' : 'nobody yet';
  return `${last.recipient}${others.length > 0 ? ` +${others.length}` : ''} ${moment(last.notifiedAtMs).slice(-5)}`;
}

function notesOf({ alert, notified, acknowledged, covers }: AlertView, time: ReaderTime): readonly Cell[] {
  return [
    ...notified.flatMap(({ unsent }) => (unsent === null ? [] : [unsentNote(unsent, time)])),
    ...(acknowledged ? [acknowledgedText(alert, time)] : []),
    ...covers.map((cover) => coverText(cover, time)),
    ...(alert.flapping ? ['flapping'] : []),
    ...(alert.closedReason === null ? [] : [`${closedWords[alert.closedReason]}${endText(alert, time)}`]),
  ];
}

function unsentNote(unsent: Unsent, time: ReaderTime): Cell {
  const text = unsentText(unsent, time);
  return unsent.delivery === 'not-delivered' ? { text, colour: 'red' } : text;
}

/** Says what became of a mail that has not been sent. */
export function unsentText({ recipient, delivery, sinceMs, error }: Unsent, { moment }: ReaderTime): string {
  const reason = error === null ? '' : `: ${error}`;
  if (delivery === 'queued') return `queued for ${recipient} since ${moment(sinceMs)}`;
  if (delivery === 'discarded') return `discarded, and not delivered to ${recipient}${reason}`;
  return `not delivered to ${recipient} since ${moment(sinceMs)}${reason}`;
}

/** Says who acknowledged an alert, until when, and with which comment. */
export function acknowledgedText(
  { acknowledgedBy, acknowledgedUntilMs, acknowledgedComment }: AlertView['alert'],
  { moment }: ReaderTime,
): string {
  const until = acknowledgedUntilMs === null ? '' : ` until ${moment(acknowledgedUntilMs)}`;
  const comment = (acknowledgedComment ?? '') === '' ? '' : `: ${acknowledgedComment}`;
  return `acknowledged by ${acknowledgedBy ?? ''}${until}${comment}`;
}

function endText({ resolvedAtMs }: AlertView['alert'], { moment }: ReaderTime): string {
  return resolvedAtMs === null ? '' : ` ${moment(resolvedAtMs)}`;
}

/** The reasons why an alert ended, for people. */
export const closedWords: Readonly<Record<ClosedReason, string>> = {
  recovered: 'recovered',
  gone: 'no longer there',
  unwatched: 'no longer watched',
  event: 'happened',
  forgotten: 'the collector is no more',
  superseded: 'another collector took over',
  unconfirmed: 'never fired',
};

/** An alert as JSON. */
export function alertJson({ alert, notified, acknowledged, covers }: AlertView): object {
  const { id, client, rule, subject, state, severity, value, valueText, limitText } = alert;
  const { pendingSinceMs, firingSinceMs, resolvedAtMs, closedReason, flapping } = alert;
  const { acknowledgedBy: by, acknowledgedUntilMs: untilMs, acknowledgedComment: comment = null } = alert;
  return {
    ...jsonFields({ id, client, rule, subject, state, severity, value, valueText, limitText }),
    ...jsonFields({ pendingSinceMs, firingSinceMs, resolvedAtMs, closedReason, flapping }),
    acknowledged: acknowledged ? jsonFields({ by, untilMs, comment }) : null,
    held_by: covers.map(coverJson),
    told: notified.map(notifiedJson),
  };
}

function notifiedJson({ recipient, state, severity, notifiedAtMs: atMs, unsent }: Notified): object {
  const delivery = unsent?.delivery.replace('-', '_') ?? 'sent';
  const undeliveredSinceMs = unsent?.sinceMs ?? null;
  return jsonFields({ recipient, state, severity, atMs, delivery, undeliveredSinceMs, error: unsent?.error ?? null });
}
