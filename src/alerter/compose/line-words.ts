import { greatest, groupBy, least } from '../../platform/group-by.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { labelHidesRule } from '../../about/alert-label.ts';
import type { Severity } from '../../config/config.ts';
import { besideSentences } from '../cause/beside-words.ts';
import { drawChart, type ChartWords } from './sparkline.ts';
import { foldTitle, maxNamesInTitle, pageOf, sharedLabel, shortValue, textBeside, titleOf } from './item-words.ts';
import { adviceFor } from '../../text/advice.ts';
import { joined, namedUpTo } from '../../text/numbers.ts';
import { limitWords, withLimit } from '../../text/limit-words.ts';
import { oneLine, quoted } from '../../text/plain-text.ts';
import { isOfRows, rhythmMs, visitConditions } from '../evaluate/rule-metric.ts';
import { longestGapMs } from '../transition/progress.ts';
import { reasonOf, type Line, type PendingNotification, type SectionKind } from '../dispatch/notification-plan.ts';
import { cut } from '../../text/text-columns.ts';
import { momentInWords, spanInWords, timeInWords, type TimeReader } from '../../text/time-words.ts';
import { durationInWords } from '../../text/durations.ts';
import { minuteMs } from '../../platform/units.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import {
  againWords,
  endInWords,
  fillsIn,
  firingKinds,
  followsLapse,
  unacknowledgedWords,
  valueFacts,
} from './value-words.ts';
import type { Wording } from './item-words.ts';

/** The most names in a line. No reader goes through more. */
const maxNames = 5_000;
const maxReasons = 5;
const reasonColumns = 200;

/** The words of a line of a mail, before layout. They cannot break a layout; HTML has to be escaped. */
export interface LineWords {
  readonly severity: Severity;
  readonly title: string;
  /** The address of the page about the alert. Default: there is none. */
  readonly page?: string | null;
  readonly facts: readonly string[];
  /** Lines of equal weight below the facts. Default: none. */
  readonly list?: readonly string[];
  readonly chart: ChartWords | null;
  /** The names of many items in one line. */
  readonly names: string | null;
  readonly notes: readonly string[];
  /** Each command as its words, so that no word is broken. */
  readonly commands: readonly { readonly why: string; readonly command: readonly string[] }[];
}

/** Kinds whose heading names no severity. */
const mixed: readonly SectionKind[] = ['flapping', 'open'];

/** Returns the words of a line. `cause`: the sentence about earlier changes; null if none is named. */
export function wordsOfLine(line: Line, kind: SectionKind, wording: Wording, cause: string | null = null): LineWords {
  const { items } = line;
  const [item] = items;
  if (item === undefined) throw new Error('a line of a mail has no items');
  const isMany = line.fold !== null;
  const isFiring = firingKinds.includes(kind);
  const title = isMany ? foldTitle(line, kind) : kind === 'event' ? eventTitle(item, wording.reader) : titleOf(item);
  const again = isMany ? '' : againWords(item, wording);
  return {
    severity: item.severity,
    title: mixed.includes(kind) ? `${title} (${item.severity})` : `${title}${again}`,
    page: pageOf(
      wording.config,
      items.map(({ alertId }) => alertId),
    ),
    facts: [
      ...(isMany ? factsOfMany(line, kind, wording) : factsOfOne(item, kind, wording)),
      ...(cause === null ? [] : [cause]),
    ],
    list: isMany || kind === 'open' ? [] : [...(isFiring ? excerptOf(item, wording) : []), ...membersOf(item, wording)],
    chart: isMany ? null : drawChart(item, wording),
    names: isMany && line.fold.kind !== 'client' ? namesOf(items) : null,
    notes: isFiring ? [...new Set(items.flatMap(({ watch }) => watch.rule?.note ?? []))].map(quoted) : [],
    commands: isFiring ? commandsOf(line, wording.program) : [],
  };
}

/** Returns the title of an event: `web-1 was booted at 08:08`. */
export function eventTitle(item: PendingNotification, reader: TimeReader): string {
  if (item.rule === 'oom-kill') return `${quoted(item.client)} ran out of memory`;
  if (item.rule !== 'rebooted') return titleOf(item);
  return `${quoted(item.client)} was booted at ${momentInWords(reader, item.alert.pendingSinceMs)}`;
}

/**
 * Returns `and 22 more of disk: app-9 (17), db-1 /, db-2 /`, which names each client without a line; `and 22 more of
 * disk, 3 of them critical: ...` if the heading of the section does not name the severity.
 */
export function wordsOfRest(rest: readonly PendingNotification[], kind: SectionKind): string {
  const names = [...groupBy(rest, ({ client }) => client)].map(([client, own]) => {
    const [only] = own;
    const subject =
      own.length === 1 && only !== undefined && only.subject !== '' ? ` ${quoted(cut(only.subject, 40))}` : '';
    return `${quoted(client)}${own.length > 1 ? ` (${own.length})` : subject}`;
  });
  const critical = rest.filter(({ severity }) => severity === 'critical').length;
  const worst = kind === 'critical' || critical === 0 ? '' : `, ${critical} of them critical`;
  return `and ${rest.length} more of ${sharedLabel(rest)}${worst}: ${namedUpTo(maxNames, names)}`;
}

function factsOfOne(item: PendingNotification, kind: SectionKind, wording: Wording): readonly string[] {
  const { reader } = wording;
  const { alert } = item;
  const isFiring = firingKinds.includes(kind);
  const seen = lastSeen(item, kind, wording);
  return [
    ...valueFacts(item, kind, reader),
    ...(isFiring ? besideSentences([alert], wording) : []),
    isFiring ? (item.eased ?? '') : '',
    kind === 'event' ? `seen ${timeInWords(reader, alert.firingSinceMs ?? 0)}` : timeFact([item], kind, reader),
    followsLapse(item) ? '' : unacknowledgedWords([item]),
    isFiring ? (fillsIn(item, wording) ?? '') : '',
    seen === null ? '' : `${seen}: nothing newer is known`,
    ...(isFiring ? [machineWords(item, wording.systems)] : []),
    labelHidesRule(item) ? `rule ${quoted(item.rule)}` : '',
    kind === 'open' && item.before !== null ? `last notified ${timeInWords(reader, item.before.notifiedAtMs)}` : '',
    isFiring || kind === 'resolved' ? acknowledgedWords(item, reader) : '',
    alert.flapping && kind !== 'flapping' ? 'comes and goes' : '',
    isFiring ? remedyOf([item]) : '',
  ].filter((fact) => fact !== '');
}

/** Returns `last seen 08:15` if an alert fires without a newer row; null if its rows are fresh, or it has none. */
export function lastSeen(
  item: PendingNotification,
  kind: SectionKind,
  { config, reader }: Pick<Wording, 'config' | 'reader'>,
): string | null {
  const { lastAtMs } = item.alert.progress;
  if (!firingKinds.includes(kind) || !isOfRows(item)) return null;
  const isFresh = reader.nowMs - lastAtMs <= longestGapMs(rhythmMs(item.watch.rule, config));
  if (isFresh || lastAtMs < item.alert.pendingSinceMs) return null;
  return `last ${visitConditions.includes(item.rule) ? 'tried' : 'seen'} ${momentInWords(reader, lastAtMs)}`;
}

/** The most members of a group that have a line below its alert. */
const maxMembers = 20;

/**
 * Returns a line for each member of which the alert of a group tells: `web-1: unreachable, no route, since 02:00`.
 * Below them stands what was seen of them from beside, and what to do.
 */
function membersOf({ carries = [] }: PendingNotification, wording: Wording): readonly string[] {
  const { reader } = wording;
  const lines = carries.map((one) => {
    const { alert } = one;
    const isOver = alert.state === 'resolved';
    const value = quoted(cut(textBeside(one, alert), reasonColumns));
    const atMs = isOver ? (alert.resolvedAtMs ?? alert.progress.lastAtMs) : alert.pendingSinceMs;
    return joined([titleOf(one), isOver ? 'over' : value, `${isOver ? 'at' : 'since'} ${momentInWords(reader, atMs)}`]);
  });
  const more = lines.length - maxMembers;
  const advice = remedyOf(carries.filter(({ alert }) => alert.state === 'firing'));
  return [
    ...lines.slice(0, maxMembers),
    ...(more > 0 ? [`and ${more} more`] : []),
    // The members have no line elsewhere.
    ...besideSentences(alertsOf(carries), { ...wording, isNamed: true }),
    ...(advice === '' ? [] : [advice]),
  ];
}

/** The most lines of an excerpt, and the most bytes of all of them. */
const [maxExcerptLines, maxExcerptBytes] = [5, 2048];

/** Returns the last lines about a check or a failed unit, each behind a sign that the text of the mail does not use. */
function excerptOf({ client, subject }: PendingNotification, { excerpts }: Wording): readonly string[] {
  const lines = (excerpts.get(`${client}\0${subject}`) ?? []).map(quoted).filter((line) => line !== '');
  let bytes = 0;
  const fits = (line: string): boolean => (bytes += Buffer.byteLength(line)) <= maxExcerptBytes;
  const kept = lines.slice(-maxExcerptLines).toReversed().filter(fits).toReversed();
  return kept.map((line) => `| ${line}`);
}

/** Returns a client's address and system: `192.0.2.1 port 2222, Debian GNU/Linux 12`. */
function machineWords({ client, watch }: PendingNotification, systems: Wording['systems']): string {
  const { address = client, port = 22 } = watch.client ?? {};
  const where = address === client ? '' : quoted(address);
  const system = quoted(cut(systems.get(client) ?? '', 60));
  return joined([`${where}${where === '' || port === 22 ? '' : ` port ${port}`}`, system]);
}

function acknowledgedWords({ alert }: PendingNotification, reader: TimeReader): string {
  const { acknowledgedBy, acknowledgedUntilMs, acknowledgedComment } = alert;
  if (acknowledgedBy === null) return '';
  const isOver = acknowledgedUntilMs !== null && acknowledgedUntilMs <= reader.nowMs;
  const until = acknowledgedUntilMs === null ? '' : ` until ${timeInWords(reader, acknowledgedUntilMs)}`;
  const comment = typeof acknowledgedComment === 'string' ? `: ${quoted(acknowledgedComment)}` : '';
  return `${isOver ? 'was ' : ''}acknowledged by ${quoted(acknowledgedBy)}${until}${comment}`;
}

function timeFact(items: readonly PendingNotification[], kind: SectionKind, reader: TimeReader): string {
  const begins = items.map(({ alert }) => alert.pendingSinceMs);
  const first = least(begins);
  if (firingKinds.includes(kind)) {
    // A time in the future comes from a wrong clock.
    const age = reader.nowMs - first < minuteMs ? '' : ` (${durationInWords(reader.nowMs - first)})`;
    const last = greatest(begins);
    const until = last - first < minuteMs ? '' : `, the last one since ${timeInWords(reader, last)}`;
    return `since ${timeInWords(reader, first)}${age}${until}`;
  }
  const end = greatest(items.map(({ alert }) => alert.resolvedAtMs ?? alert.progress.lastAtMs));
  if (end - first < minuteMs) return timeInWords(reader, first);
  return `${spanInWords(reader, first, end)} (${durationInWords(end - first)})`;
}

function factsOfMany({ items, fold }: Line, kind: SectionKind, wording: Wording): readonly string[] {
  const { reader } = wording;
  const ends = kind === 'ended' ? [...new Set(items.map(({ alert }) => endInWords(alert)))] : [];
  const still = fold?.kind === 'parent' ? fold.still : [];
  return [
    ...ends,
    ...(firingKinds.includes(kind)
      ? [...sharedFacts(items), ...besideSentences(alertsOf(items), wording), easedOf(items)]
      : []),
    still.length <= maxNamesInTitle ? '' : `still unreachable: ${namedUpTo(maxNames, still.map(quoted))}`,
    timeFact(items, kind, reader),
    unacknowledgedWords(items),
    firingKinds.includes(kind) ? remedyOf(items) : '',
  ].filter((fact) => fact !== '');
}

function alertsOf(items: readonly PendingNotification[]): readonly Alert[] {
  return items.map(({ alert }) => alert);
}

/** Returns why all these critical alerts are told as warnings; '' if some are not, or for other reasons. */
function easedOf(items: readonly PendingNotification[]): string {
  const [first = '', ...others] = new Set(items.map(({ eased = '' }) => eased));
  return others.length > 0 ? '' : first;
}

/** Returns the remedy of the error that all these unreachable clients share; '' if there is none. */
function remedyOf(items: readonly PendingNotification[]): string {
  const [code = null, ...others] = new Set(
    items.map(({ rule, alert }) => (rule === 'unreachable' ? (alert.progress.code ?? null) : null)),
  );
  const advice = others.length > 0 ? null : adviceFor(code, [...new Set(items.map(({ client }) => client))]);
  return advice === null ? '' : `what to do: ${quoted(advice)}`;
}

/** Returns the reasons of many items with the count of each, or the value and limit that all share. */
function sharedFacts(items: readonly PendingNotification[]): readonly string[] {
  const reasons = groupBy(items, reasonOf);
  if (!reasons.has(null)) {
    const byCount = [...reasons].sort(([, one], [, other]) => other.length - one.length);
    if ((byCount[0]?.[1].length ?? 0) < 2) return [];
    const more = byCount.length - maxReasons;
    return [
      ...byCount
        .slice(0, maxReasons)
        .map(([reason, same]) => `${quoted(cut(reason ?? '', reasonColumns))} (${same.length})`),
      ...(more > 0 ? [`and ${more} other reasons`] : []),
    ];
  }
  const values = new Set(items.map(shortValue));
  const [value = null] = values;
  const limits = new Set(items.map(({ alert }) => oneLine(alert.limitText)));
  const [limit = ''] = limits;
  const shared = limits.size === 1 ? quoted(limit) : '';
  return [values.size > 1 || value === null ? limitWords(shared) : withLimit(value, shared)];
}

function namesOf(items: readonly PendingNotification[]): string {
  const isSameSubject = new Set(items.map(({ subject }) => subject)).size === 1;
  const isSameValue = new Set(items.map(shortValue)).size === 1;
  const names = items.map((item) => {
    const value = item.alert.value === null || isSameValue ? null : shortValue(item);
    const name = isSameSubject ? quoted(item.client) : `${quoted(item.client)} ${quoted(item.subject)}`;
    return value === null ? name : `${name} ${value}`;
  });
  const counts = groupBy(names, (name) => name);
  return namedUpTo(
    maxNames,
    [...counts].map(([name, { length }]) => (length === 1 ? name : `${name} (${length} times)`)),
  );
}

function commandsOf({ items, clients, fold }: Line, program: string): LineWords['commands'] {
  const [item] = items;
  if (item === undefined) return [];
  const names = clients.length <= 10 ? clients.map(shownShellWord) : [];
  const accept =
    item.rule === 'host-key-changed'
      ? [{ why: 'if the change is meant to be:', command: [program, 'trust', '--replace', ...names] }]
      : item.rule === 'not-trusted'
        ? [{ why: 'to compare and accept:', command: [program, 'trust', ...names] }]
        : [];
  // Alerts of a dry run are not stored, so they have no number for `ack`.
  const numbers = items.map(({ alertId }) => alertId);
  if (numbers.every((id) => id > 0))
    return [...accept, { why: '', command: [program, 'ack', ...numberRanges(numbers)] }];
  const whose = kindOf(item).commandName(item);
  const client = whose === '' || fold !== null ? "'*'" : shownShellWord(whose);
  return [...accept, { why: '', command: [program, 'ack', client, shownShellWord(item.rule)] }];
}

/** Returns numbers as a command line takes them, ascending: `3`, `5-9`. A range has only numbers that were given. */
export function numberRanges(numbers: readonly number[]): readonly string[] {
  const ranges: { from: number; to: number }[] = [];
  for (const number of [...new Set(numbers)].sort((one, other) => one - other)) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last.to + 1) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return ranges.flatMap(({ from, to }) => (to - from > 1 ? `${from}-${to}` : [...new Set([from, to])].map(String)));
}
