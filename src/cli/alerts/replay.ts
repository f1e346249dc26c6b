import { alertLabel } from '../../about/alert-label.ts';
import { replay, type ReplayedItem, type ReplayedMail, type ReplayResult } from '../../alerter/replay/replay.ts';
import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/load-config.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { groupBy } from '../../platform/group-by.ts';
import { hourMs } from '../../platform/units.ts';
import type { SentNotification } from '../../storage/store/alert-history.ts';
import { counted } from '../../text/numbers.ts';
import { whoseText } from '../command/alert-words.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { readAfterFirstRun } from '../command/read-stored.ts';
import { loadSettings, ofOption } from '../command/settings.ts';
import { parseSince } from '../command/until.ts';
import { jsonFields } from '../terminal/json-fields.ts';
import type { Output } from '../terminal/output.ts';
import { progressOf } from '../terminal/progress.ts';
import { jsonTime, readerTime, type ReaderTime } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';
import { type DigestTimes, digestsWithin } from './digest.ts';
import type { alertParameters } from './parameters.ts';

const usualSince = '7d';

/** Runs `alert --replay`: prints the notifications of these rules, and the differences from those sent. */
export async function replayCommand(
  context: Context,
  options: Pick<OptionsOf<typeof alertParameters>, 'replay' | 'since' | 'rules'>,
): Promise<ExitStatus> {
  const { output, signal } = context;
  if (!options.replay) {
    throw usageError(
      `${options.rules === null ? '--since' : '--rules'} is only for --replay`,
      'Write alert --replay --since 30d --rules FILE.',
    );
  }
  const { storage: settings, ...own } = loadSettings(context);
  const { rules } = options;
  const config = {
    ...(rules === null ? own : ofOption('--rules', () => loadConfig({ file: rules }))),
    storage: settings,
  };
  const shown = await readAfterFirstRun(settings, signal, async (storage) => {
    const untilMs = await storage.nowMs();
    const sinceMs = parseSince('--since', options.since ?? usualSince, config, untilMs);
    const progress = (await progressOf(output))('replaying', 100);
    const observe = (share: number): void => progress.to(Math.floor(share * 100));
    const result = await replay({ config, storage, sinceMs, untilMs, signal, observe });
    progress.end();
    const { firstRowMs } = result;
    const digests =
      firstRowMs === null ? [] : digestsWithin(config, { sinceMs: Math.max(sinceMs, firstRowMs), untilMs });
    return { span: { sinceMs, untilMs }, result, digests };
  });
  return printAnswer(
    output,
    () => replayJson(shown),
    () => replayText(output, config, shown),
  );
}

interface Shown {
  readonly span: ReplaySpan;
  readonly result: ReplayResult;
  readonly digests: readonly DigestTimes[];
}

function replayJson({ span: { sinceMs, untilMs }, result, digests }: Shown): object {
  const { firstRowMs: dataSinceMs, passes, reports, visits, mails, counts, difference } = result;
  return {
    command: 'alert',
    replay: true,
    ...jsonFields({ sinceMs, untilMs, dataSinceMs, passes, reports, visits }),
    counts: counts.map(({ rule, client, fired, firstMs, lastMs }) =>
      jsonFields({ rule, client, fired, firstMs, lastMs }),
    ),
    mails: mails.map(({ atMs, recipient, severity, alreadyTrue, items }) =>
      jsonFields({ atMs, recipient, severity, alreadyTrue, items: items.map(itemJson) }),
    ),
    digests: digests.map(({ digest: { name, to }, dueMs }) => ({ digest: name, to, due: dueMs.map(jsonTime) })),
    difference: { more: difference.more.map(factJson), fewer: difference.fewer.map(factJson) },
  };
}

function factJson({ client, rule, subject, recipient, transition, notifiedAtMs: atMs }: SentNotification): object {
  return jsonFields({ atMs, client, rule, subject, recipient, transition });
}

/** The times between which rows are replayed. */
interface ReplaySpan {
  readonly sinceMs: number;
  readonly untilMs: number;
}

const maxCounts = 40;
const maxItems = 3;
const maxFacts = 50;

/** Returns a summary, each mail, and the differences from the notifications that were sent. */
function replayText(output: Output, config: Config, { span, result, digests }: Shown): string {
  const time = readerTime(config, span.untilMs);
  const { passes, reports, visits, mails, counts, difference } = result;
  const beginMs = Math.max(span.sinceMs, result.firstRowMs ?? span.sinceMs);
  const between = `${time.moment(beginMs)} to ${time.moment(span.untilMs)}, ${time.zone}`;
  const rows = `${counted(reports, 'report')} and ${counted(visits, 'visit')}`;
  const blocks = [
    `Replayed ${between}: ${passes} ${passes === 1 ? 'pass' : 'passes'} over ${rows}. Nothing was changed.`,
    ...dataText(span, result, time),
    counts.length === 0 ? 'Nothing would have fired.' : countsTable(output, result, time),
    mails.length === 0 ? 'Nobody would have been notified.' : daysTable(output, mails, time),
    ...(mails.length === 0 ? [] : [mails.map((mail) => mailLine(mail, time)).join('\n')]),
    ...(digests.length === 0 ? [] : [digests.map((one) => digestLine(one, time)).join('\n')]),
    ...differenceBlocks(difference, time),
  ];
  return blocks.join('\n\n');
}

/** The longest time between `--since` and the first row that is not mentioned: rows come only after each run. */
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
      { title: 'client', shrinks: true, cell: whoseText },
      { title: 'fired', align: 'right', cell: ({ fired }) => String(fired) },
      { title: 'first', cell: ({ firstMs }) => moment(firstMs) },
      { title: 'last', cell: ({ lastMs }) => moment(lastMs) },
    ],
    counts.slice(0, maxCounts),
  );
  return counts.length > maxCounts ? `${table}\nand ${counts.length - maxCounts} more` : table;
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
  const shown = items.slice(0, maxItems).map(itemWords).join('; ');
  const rest = items.length > maxItems ? `; and ${items.length - maxItems} more` : '';
  return escapeControls(`${moment(atMs)} to ${recipient}: ${alreadyTrue ? 'already true: ' : ''}${shown}${rest}`);
}

function itemJson({ client, rule, subject, transition, severity, valueText }: ReplayedItem): object {
  return jsonFields({ client, rule, subject, transition, severity, valueText });
}

function itemWords(item: ReplayedItem): string {
  const { transition, severity, valueText } = item;
  const what = [whoseText(item), ...alertLabel(item)].join(' ');
  return `${transition === 'firing' ? severity : transition} ${what}${valueText === '' ? '' : ` (${valueText})`}`;
}

function digestLine({ digest: { name, to }, dueMs }: DigestTimes, { moment }: ReaderTime): string {
  const often = `${counted(dueMs.length, 'time')}, last at ${moment(dueMs.at(-1) ?? 0)}`;
  return escapeControls(`Digest ${name} to ${to.join(', ')} would have been made ${often}.`);
}

function differenceBlocks(difference: ReplayResult['difference'], time: ReaderTime): readonly string[] {
  const { more, fewer } = difference;
  if (more.length + fewer.length === 0) return ['The notifications are the same.'];
  return [
    ...factBlock('Would have been notified, and was not', more, time),
    ...factBlock('Was notified, and would not have been', fewer, time),
  ];
}

function factBlock(title: string, facts: readonly SentNotification[], { moment }: ReaderTime): readonly string[] {
  if (facts.length === 0) return [];
  const lines = facts.slice(0, maxFacts).map((fact) => {
    const { transition, recipient, notifiedAtMs } = fact;
    const what = [whoseText(fact), ...alertLabel(fact)].join(' ');
    return escapeControls(`  ${moment(notifiedAtMs)} ${transition} ${what}, to ${recipient}`);
  });
  const rest = facts.length > maxFacts ? [`  and ${facts.length - maxFacts} more`] : [];
  return [[`${title} (${facts.length}):`, ...lines, ...rest].join('\n')];
}
