import type { ReplayResult, ReplayedItem, ReplayedMail } from '../../alerter/replay/replay.ts';
import type { Config } from '../../config/config.ts';
import { escapeControls } from '../../log.ts';
import { groupBy } from '../../platform/group-by.ts';
import { hourMs } from '../../platform/units.ts';
import type { SentNotification } from '../../storage/store/alert-history.ts';
import { counted } from '../../text/numbers.ts';
import { clientText } from '../command/alert-words.ts';
import type { Output } from '../terminal/output.ts';
import { readerTime, type ReaderTime } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';

/** The times between which rows are replayed. */
export interface ReplaySpan {
  readonly sinceMs: number;
  readonly untilMs: number;
}

const mostCounts = 40;
const mostItems = 3;
const mostFacts = 50;

/** A summary, the mails one by one, and what differs from what was told. */
export function replayText(output: Output, config: Config, span: ReplaySpan, result: ReplayResult): string {
  const time = readerTime(config, span.untilMs);
  const { passes, reports, visits, mails, counts, difference } = result;
  const beginMs = Math.max(span.sinceMs, result.firstRowMs ?? span.sinceMs);
  const blocks = [
    `Replayed ${time.moment(beginMs)} to ${time.moment(span.untilMs)}, ${time.zone}: ${passes} ${passes === 1 ? 'pass' : 'passes'} over ${counted(reports, 'report')} and ${counted(visits, 'visit')}. Nothing was changed.`,
    ...dataText(span, result, time),
    counts.length === 0 ? 'Nothing would have fired.' : countsTable(output, result, time),
    mails.length === 0 ? 'Nobody would have been told.' : daysTable(output, mails, time),
    ...(mails.length === 0 ? [] : [mails.map((mail) => mailLine(mail, time)).join('\n')]),
    ...differenceBlocks(difference, time),
  ];
  return blocks.join('\n\n');
}

/** Data that begins later than this after the time asked for is mentioned: rows come only after each run. */
const slackMs = 2 * hourMs;

function dataText({ sinceMs }: ReplaySpan, { firstRowMs }: ReplayResult, { moment }: ReaderTime): readonly string[] {
  if (firstRowMs === null) return [`There is no data since ${moment(sinceMs)}.`];
  return firstRowMs <= sinceMs + slackMs
    ? []
    : [`Data begins ${moment(firstRowMs)}: of the time since ${moment(sinceMs)} before it nothing is known.`];
}

function countsTable(output: Output, { counts }: ReplayResult, { moment }: ReaderTime): string {
  const table = renderTable(
    output,
    [
      { title: 'rule', shrinks: true, cell: ({ rule }) => rule },
      { title: 'client', shrinks: true, cell: ({ client }) => clientText(client) },
      { title: 'fired', align: 'right', cell: ({ fired }) => String(fired) },
      { title: 'first', cell: ({ firstMs }) => moment(firstMs) },
      { title: 'last', cell: ({ lastMs }) => moment(lastMs) },
    ],
    counts.slice(0, mostCounts),
  );
  return counts.length > mostCounts ? `${table}\nand ${counts.length - mostCounts} more` : table;
}

function daysTable(output: Output, mails: readonly ReplayedMail[], { moment }: ReaderTime): string {
  const days = groupBy(mails, ({ atMs, recipient }) => `${moment(atMs).slice(0, 10)}\0${recipient}`);
  return renderTable(
    output,
    [
      { title: 'day', cell: ([name]) => name.split('\0')[0] ?? '' },
      { title: 'recipient', shrinks: true, cell: ([name]) => name.split('\0')[1] ?? '' },
      { title: 'mails', align: 'right', cell: ([, own]) => String(own.length) },
    ],
    [...days],
  );
}

function mailLine({ atMs, recipient, alreadyTrue, items }: ReplayedMail, { moment }: ReaderTime): string {
  const shown = items.slice(0, mostItems).map(itemWords).join('; ');
  const rest = items.length > mostItems ? `; and ${items.length - mostItems} more` : '';
  return escapeControls(`${moment(atMs)} to ${recipient}: ${alreadyTrue ? 'already true: ' : ''}${shown}${rest}`);
}

function itemWords({ client, rule, subject, transition, severity, valueText }: ReplayedItem): string {
  const what = [clientText(client), rule, subject].filter((part) => part !== '').join(' ');
  return `${transition === 'firing' ? severity : transition} ${what}${valueText === '' ? '' : ` (${valueText})`}`;
}

function differenceBlocks(difference: ReplayResult['difference'], time: ReaderTime): readonly string[] {
  const { more, fewer } = difference;
  if (more.length + fewer.length === 0) return ['The same was told.'];
  return [
    ...factBlock('Would have been told, and was not', more, time),
    ...factBlock('Was told, and would not have been', fewer, time),
  ];
}

function factBlock(title: string, facts: readonly SentNotification[], { moment }: ReaderTime): readonly string[] {
  if (facts.length === 0) return [];
  const lines = facts.slice(0, mostFacts).map(({ client, rule, subject, transition, recipient, notifiedAtMs }) => {
    const what = [clientText(client), rule, subject].filter((part) => part !== '').join(' ');
    return escapeControls(`  ${moment(notifiedAtMs)} ${transition} ${what}, to ${recipient}`);
  });
  const rest = facts.length > mostFacts ? [`  and ${facts.length - mostFacts} more`] : [];
  return [[`${title} (${facts.length}):`, ...lines, ...rest].join('\n')];
}
