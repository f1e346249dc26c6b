import { greatest } from '../../platform/group-by.ts';
import { formatValue } from '../../alerter/evaluate/describe-value.ts';
import { unitOfRule } from '../../alerter/evaluate/rule-metric.ts';
import type { Acted } from '../../alerter/tune/noise.ts';
import type { ActedCounts, TuneLine, Why } from '../../alerter/tune/propose.ts';
import { night } from '../../alerter/tune/read-facts.ts';
import { isVerified, mailsLeft, type TuneResult } from '../../alerter/tune/tune.ts';
import { editText, isAdded, type RuleEdit, tagText } from '../../config/rules/rule-edit.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { dayMs } from '../../platform/units.ts';
import type { PastAlert } from '../../storage/store/alert-history.ts';
import { describeDuration } from '../../text/durations.ts';
import { counted, joined } from '../../text/numbers.ts';
import { placeInFile } from '../../text/plain-text.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { clientText } from '../command/alert-words.ts';
import type { Output } from '../terminal/output.ts';
import type { ReaderTime } from '../terminal/reader-time.ts';
import { renderTable } from '../terminal/table.ts';

/** The answer of `tune`. */
export interface ShownTune {
  readonly time: ReaderTime;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly withinMs: number;
  readonly isReplayed: boolean;
  /** The lines of --show; null without it. */
  readonly listed: readonly TuneLine[] | null;
  readonly result: TuneResult;
}

const maxLines = 20;

/** Returns the rules that told people most, with an edit of each that would have quieted it. */
export function tuneText(output: Output, shown: ShownTune): string {
  const { result, time, sinceMs, untilMs, withinMs } = shown;
  const { mails, nightMails, noiseMails, otherMails, lines } = result;
  const spanMs = untilMs - sinceMs;
  const isLong = spanMs >= 2 * dayMs;
  const days = isLong ? counted(Math.round(spanMs / dayMs), 'day') : describeDuration(spanMs);
  const since = `Since ${isLong ? time.moment(sinceMs).slice(0, 10) : time.moment(sinceMs)} (${days})`;
  if (mails === 0) return `${since}: nobody was mailed about an alert.`;
  const hours = `${night.fromHour}:00 to 0${night.untilHour}:00 ${time.zone}`;
  const more = lines.length - maxLines;
  const isAny = lines.some(({ proposal }) => proposal !== null);
  return [
    `${since}: ${counted(mails, 'mail')}${addressesWords(result)}, ${nightMails} of them at night (${hours}). ` +
      `${noiseMails} were about noise: alerts that nobody acknowledged and that were over within ${describeDuration(withinMs)}.`,
    ...(lines.length === 0
      ? []
      : [linesTable(output, shown) + (more > 0 ? `\nand ${counted(more, 'more rule')}: see --json` : '')]),
    ...(otherMails === 0
      ? []
      : [
          `${counted(otherMails, 'mail')} of these on no line: today's rules would not send them, or the rule or client ` +
            `is paused or has left config.xml.`,
        ]),
    ...manyLinesWords(result),
    `Noise has no silence of its client made after it fired, and no boot or change of packages, units or files of the ` +
      `client in it or in the 15 minutes before its end (it counts as mended then). Mails are those to persons that ` +
      `are not only reminders.`,
    ...(isAny ? [verifiedText(shown)] : ['Nothing is proposed.']),
  ].join('\n\n');
}

/** Says of lines that add up to more than all mails why they do. */
function manyLinesWords({ lines, mails, otherMails }: TuneResult): readonly string[] {
  const sum = lines.reduce((total, line) => total + line.mails, 0);
  return sum <= mails - otherMails
    ? []
    : [
        `A mail about several rules counts on the line of each: the lines add up to ${sum}, of ${mails - otherMails} mails.`,
      ];
}

/** Returns how many of the mails are in the fullest mailbox; '' if there is one mailbox. */
function addressesWords({ recipients }: TuneResult): string {
  if (recipients.length < 2) return '';
  return ` to ${recipients.length} addresses (at most ${recipients[0]?.[1] ?? 0} to one)`;
}

function linesTable(output: Output, { result, time }: ShownTune): string {
  const duration = (ms: number | null): string => (ms === null ? '-' : describeDuration(ms));
  return renderTable(
    output,
    [
      {
        title: 'rule',
        shrinks: true,
        cell: titleOf,
      },
      { title: 'clients', shrinks: true, keepsEnd: true, cell: ({ clients }) => clientsWords(clients, result.clients) },
      { title: 'mails', align: 'right', cell: ({ mails }) => String(mails) },
      { title: 'over within', drops: 1, cell: ({ overWithinMs }) => duration(overWithinMs) },
      { title: 'change', cell: changeWords },
      {
        title: 'mails left',
        align: 'right',
        cell: (line) =>
          `${mailsLeft(result, line) ?? ''}${line.proposal === null || isVerified(result, line) ? '' : '*'}`,
      },
      {
        title: 'later by',
        cell: ({ proposal }) => (proposal === null || proposal.laterMs === 0 ? '' : duration(proposal.laterMs)),
      },
    ],
    result.lines.slice(0, maxLines),
    (line) => notesOf(line, result, time),
  );
}

/** Returns the rule of a line, with the check if it is about one. */
export function titleOf({ name, subject }: Pick<TuneLine, 'name' | 'subject'>): string {
  return subject === null || subject === '' || name.endsWith(`=${subject}`) ? name : `${name} ${subject}`;
}

/**
 * Names one client, or the common beginning of several with their number: `build-* (3)`, `build-* (3 of 8)` if more
 * clients of the fleet begin so, `6 of 40 clients` if they have no common beginning.
 */
function clientsWords(clients: readonly string[], fleet: readonly string[]): string {
  const [first = '', ...others] = clients;
  if (others.length === 0) return clientText(first);
  let length = first.length;
  while (!clients.every((name) => name.startsWith(first.slice(0, length)))) length -= 1;
  const prefix = first.slice(0, length);
  const alike = Math.max(clients.length, fleet.filter((name) => name.startsWith(prefix)).length);
  if (prefix === '') return `${clients.length} of ${counted(alike, 'client')}`;
  return `${prefix}* (${clients.length}${alike === clients.length ? '' : ` of ${alike}`})`;
}

function changeWords(line: TuneLine): string {
  const { proposal } = line;
  if (proposal === null) return reasonOf(line) ?? '';
  const { edit } = proposal;
  return isAdded(edit) ? `add to ${tagText(edit.element)}` : `${placeOf(edit)}  ${editText(edit)}`;
}

function placeOf({ element: { source, line } }: RuleEdit): string {
  return placeInFile(source.shown, line);
}

function notesOf(line: TuneLine, result: TuneResult, { moment }: ReaderTime): readonly string[] {
  const { proposal, rule, sinceMs, why } = line;
  const lost = lostBy(why).length;
  const values = result.values.get(line);
  const of = (value: number): string => (rule === null ? '' : formatValue(unitOfRule(rule), value));
  return [
    ...(proposal !== null && isAdded(proposal.edit) ? [`${placeOf(proposal.edit)}: ${editText(proposal.edit)}`] : []),
    ...(proposal?.edit.crowded === true ? [`of the <alert>s on this line: ${tagText(proposal.edit.element)}`] : []),
    ...noisiestWords(line),
    ...(why?.kind === 'loses'
      ? [
          `it would leave ${counted(why.mailsLeft, 'mail')}; --show ${shownShellWord(titleOf(line))} lists ${lost === 1 ? 'the one' : `the ${lost}`}`,
        ]
      : []),
    ...(values === undefined
      ? []
      : [
          `values: half up to ${of(values.median)}, 95 % up to ${of(values.most)}; try limits with alert --replay --rules FILE`,
        ]),
    ...(sinceMs === null ? [] : [`counted since ${moment(sinceMs)}: the limit was another one before`]),
  ];
}

/** The most clients whose noise is named. */
const maxNoisiest = 3;

/** Says whose noise it is that a change for several clients would quiet, if few of them make nearly all of it. */
function noisiestWords({ proposal, clients, noise, noisiest }: TuneLine): readonly string[] {
  const isForAll = proposal !== null && clients.length > noisiest.length && noisiest.length <= maxNoisiest;
  if (!isForAll || noisiest.length === 0) return [];
  const own = noisiest.reduce((sum, [, alerts]) => sum + alerts, 0);
  const names = joined(noisiest.map(([client]) => clientText(client)));
  return [
    `its noise is that of ${names}: ${own} of ${counted(noise.length, 'alert')}; the change is for all of these clients`,
  ];
}

const whys: Readonly<Record<Exclude<Why['kind'], 'acted' | 'lasts' | 'loses' | 'later-part'>, string>> = {
  never: 'left as it is: always worth a mail',
  hourly: 'left as it is: evaluated every hour',
  few: 'too few alerts to judge',
  unwritten: 'no place in config.xml for this alone',
  shared: 'left as it is: the rule is for other checks too',
};

const noForQuiets = 'no for up to 12x quiets it';

/** Returns the reason why nothing is proposed; null if something is. */
export function reasonOf({ why, told, noise }: Pick<TuneLine, 'why' | 'told' | 'noise'>): string | null {
  if (why === null) return null;
  switch (why.kind) {
    case 'acted':
      // Where most alerts are noise, they are what a reader wants to have explained.
      return noise.length > told.length / 2
        ? `${noForQuiets}; ${actedWords(why.counts)}`
        : `${actedWords(why.counts)}: left as it is`;
    case 'loses':
      return `for="${why.rows}x" would lose ${why.lost.length} of ${counted(told.length, 'alert')}: ${actedWords(why.counts)}`;
    case 'later-part':
      return `for="${why.rows}x" fits the first two thirds, and not the last`;
    case 'lasts':
      return why.lasted === 0 ? noForQuiets : `${why.lasted} of ${why.told} lasted: left as it is`;
    default:
      return whys[why.kind];
  }
}

/** Returns the alerts for which an edit is not proposed. */
export function lostBy(why: Why | null): readonly (readonly [alert: PastAlert, acted: Acted])[] {
  return why?.kind === 'loses' ? why.lost : [];
}

const actedVerbs: Readonly<Record<Acted, string>> = {
  acknowledged: 'acknowledged',
  silenced: 'silenced',
  mended: 'mended',
  edited: 'ended by an edit',
  lasted: 'longer than noise',
};

function actedWords(counts: ActedCounts): string {
  const acts = Object.keys(actedVerbs) as readonly Acted[];
  return acts
    .flatMap((what) => (counts[what] === undefined ? [] : [`${actedVerbs[what]} ${counted(counts[what], 'time')}`]))
    .join(', ');
}

function verifiedText({ result, time, isReplayed }: ShownTune): string {
  const { verified, isLate, lines } = result;
  const show = 'fleet-health tune --show RULE lists what would not be told. Nothing was changed.';
  if (verified === null) {
    const why = isLate
      ? 'the replay did not end in time'
      : isReplayed
        ? 'there are no rows to replay'
        : 'without a replay';
    return `* Not verified: ${why}. ${show}`;
  }
  const { sinceMs, untilMs, mails, mailsBefore } = verified;
  const days = counted(Math.round((untilMs - sinceMs) / dayMs), 'day');
  const isPart = lines.some((line) => line.proposal !== null && !isVerified(result, line));
  const part = isPart
    ? `* Not verified: there are alerts from before ${time.moment(sinceMs)}, when the rows begin. `
    : '';
  return `Replayed together over the ${days} of rows: ${counted(mails, 'mail')} of ${mailsBefore}. ${part}${show}`;
}

const maxListed = 200;

/** Lists the past alerts of lines that would not have been told, the newest first. */
export function quietedText(
  output: Output,
  lines: readonly TuneLine[],
  time: ReaderTime,
  fleet: readonly string[],
): string {
  return lines.map((line) => lineText(output, line, time, fleet)).join('\n\n');
}

function lineText(output: Output, line: TuneLine, time: ReaderTime, fleet: readonly string[]): string {
  const { proposal, told, clients, why } = line;
  const what = `${titleOf(line)} (${clientsWords(clients, fleet)})`;
  if (proposal === null) {
    const left = why?.kind === 'loses' ? ` It would leave ${why.mailsLeft} of ${counted(line.mails, 'mail')}.` : '';
    const head = escapeControls(`${what}: ${reasonOf(line) ?? ''}.${left}`);
    return head + alertsTable(output, lostBy(why), time);
  }
  const { edit, quieted } = proposal;
  const place = isAdded(edit) || edit.crowded ? `${placeOf(edit)} ${tagText(edit.element)}` : placeOf(edit);
  const longestMs = greatest([0, ...quieted.map(lastedMs)]);
  const longest = quieted.length === 0 ? '' : `; the longest lasted ${describeDuration(longestMs)}`;
  const count = `${quieted.length} of ${counted(told.length, 'alert')} would not have been told`;
  const head = escapeControls(`${what}, ${place} ${editText(edit)}: ${count}${longest}.`);
  return (
    head +
    alertsTable(
      output,
      quieted.map((alert) => [alert, null]),
      time,
    )
  );
}

/** Lists alerts, the newest first, each with what was done about it; '' if there are none. */
function alertsTable(
  output: Output,
  alerts: readonly (readonly [alert: PastAlert, acted: Acted | null])[],
  { moment }: ReaderTime,
): string {
  if (alerts.length === 0) return '';
  const rest = alerts.length > maxListed ? `\nand ${alerts.length - maxListed} earlier ones: see --json` : '';
  const isActed = alerts.some(([, acted]) => acted !== null);
  const table = renderTable(
    output,
    [
      { title: 'since', cell: ([{ pendingSinceMs }]) => moment(pendingSinceMs) },
      { title: 'lasted', cell: ([alert]) => describeDuration(lastedMs(alert)) },
      { title: 'client', shrinks: true, cell: ([{ client }]) => clientText(client) },
      { title: 'subject', shrinks: true, cell: ([{ subject }]) => subject },
      { title: 'severity', cell: ([{ severity }]) => severity },
      ...(isActed
        ? [{ title: 'was', cell: ([, acted]: (typeof alerts)[number]) => (acted === null ? '' : actedVerbs[acted]) }]
        : []),
      { title: 'alert', align: 'right', cell: ([{ id }]) => String(id) },
    ],
    [...alerts].reverse().slice(0, maxListed),
  );
  return `\n${table}${rest}`;
}

/** Returns the duration of an alert that has ended. */
function lastedMs({ pendingSinceMs, resolvedAtMs }: PastAlert): number {
  return (resolvedAtMs ?? pendingSinceMs) - pendingSinceMs;
}
