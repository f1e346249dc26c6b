/** src/cli/command: code that commands share. */
import { alertLabel } from '../../about/alert-label.ts';
import type { NotSent } from '../../alerter/explain/explain-alerts.ts';
import type { AlertView } from '../../look/data/alert-views.ts';
import { describeAge } from '../../text/durations.ts';
import type { Output } from '../terminal/output.ts';
import { withLimit } from '../../text/limit-words.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';
import { type Cell, type Column, renderTable } from '../terminal/table.ts';
import { acknowledgedText, whoseText, closedWords, coverText, unsentText } from './alert-words.ts';

interface AlertTableOptions {
  readonly time: ReaderTime;
  readonly nowMs: number;
  /** False: the column of clients is omitted. */
  readonly withClients: boolean;
  /** Further sentences below an alert. Default: none. */
  readonly notesOf?: (view: AlertView) => readonly Cell[];
}

/** Renders alerts as a table, with notes below the alerts that have some. */
export function renderAlertTable(
  output: Output,
  views: readonly AlertView[],
  { time, nowMs, withClients, notesOf = () => [] }: AlertTableOptions,
): string {
  const client: Column<AlertView> = {
    title: 'client',
    shrinks: true,
    keepsEnd: true,
    cell: ({ alert }) => whoseText(alert),
  };
  return renderTable(
    output,
    [
      { title: 'no', align: 'right', cell: ({ alert }) => String(alert.id ?? '') },
      { title: 'severity', cell: ({ alert }) => severityCell(alert) },
      ...(withClients ? [client] : []),
      {
        title: 'alert',
        shrinks: true,
        keepsEnd: true,
        cell: ({ alert }) => alertLabel(alert).join(' '),
      },
      {
        title: 'value',
        shrinks: true,
        whole: 48,
        cell: ({ alert: { valueText, limitText } }) => withLimit(valueText, limitText),
      },
      { title: 'since', drops: 1, cell: ({ alert }) => time.moment(alert.pendingSinceMs) },
      { title: 'age', align: 'right', cell: ({ alert }) => describeAge(nowMs - alert.pendingSinceMs) },
      { title: 'notified', drops: 2, cell: ({ notified }) => notifiedText(notified, time) },
    ],
    views,
    (view) => [...alertNotes(view, time), ...notesOf(view)],
  );
}

function severityCell({ severity, state }: AlertView['alert']): Cell {
  if (state !== 'firing') return { text: state === 'pending' ? 'pending' : 'ended', colour: 'dim' };
  return { text: severity, colour: severity === 'critical' ? 'red' : 'yellow' };
}

/** Returns the recipients of mails that were sent. Unsent mails are in the notes. */
function notifiedText(notified: AlertView['notified'], { moment }: ReaderTime): string {
  const [last, ...others] = notified.filter(({ unsent }) => unsent === null);
  const isOwed = notified.some(({ unsent }) => unsent !== null && unsent.delivery !== 'written');
  if (last === undefined) return isOwed ? 'nobody yet' : 'nobody';
  return `${last.recipient}${others.length > 0 ? ` +${others.length}` : ''} ${moment(last.notifiedAtMs).slice(-5)}`;
}

function alertNotes({ alert, notified, acknowledged, covers, eased }: AlertView, time: ReaderTime): readonly Cell[] {
  return [
    ...notified.flatMap(({ unsent }) => (unsent === null ? [] : [unsentNote(unsent, time)])),
    ...(eased === null ? [] : [eased]),
    ...(acknowledged ? [acknowledgedText(alert, time)] : []),
    ...covers.map((cover) => coverText(cover, time)),
    ...(alert.flapping ? ['flapping'] : []),
    ...(alert.closedReason === null ? [] : [`${closedWords[alert.closedReason]}${endText(alert, time)}`]),
  ];
}

function unsentNote(unsent: NotSent, time: ReaderTime): Cell {
  const text = unsentText(unsent, time);
  return unsent.delivery === 'not-delivered' ? { text, colour: 'red' } : text;
}

function endText({ resolvedAtMs }: AlertView['alert'], { moment }: ReaderTime): string {
  return resolvedAtMs === null ? '' : ` ${moment(resolvedAtMs)}`;
}
