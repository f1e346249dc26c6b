import { kindOf } from '../../about/kinds.ts';
import {
  countBySeverity,
  foldTitle,
  labelOf,
  nameOfLine,
  shortValue,
  subjectValue,
  titleOf,
  type Wording,
  withoutTitle,
} from './item-words.ts';
import { eventTitle, lastSeen } from './line-words.ts';
import { beginsWithName, quoted, withSubject } from '../../text/plain-text.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { DueMail, Line, PendingNotification, Section, SectionKind } from '../dispatch/notification-plan.ts';
import { columnsOf, cut } from '../../text/text-columns.ts';
import { counted } from '../../text/numbers.ts';
import { againWords, fillsIn, unacknowledgedWords, valueBefore } from './value-words.ts';

type SubjectWording = Pick<Wording, 'config' | 'reader' | 'charts' | 'timesToday'>;

/** The columns that a locked telephone shows: names end there. */
const nameColumns = 66;
const maxColumns = 120;
/** The columns of a single name, so that its value still shows. */
const whatColumns = 80;
/** The columns of one name among several: two of them always show. */
const oneNameColumns = 30;

/**
 * Composes the subject: the worst first, with counts, and the essential part within about 60 columns. `CRITICAL web-1:
 * disk /var 96 % (+2 warnings)`, `3 critical, 5 warnings: web-1 disk /var, ...`, `Resolved: web-1 disk /var`.
 */
export function composeSubject({ sections, alreadyTrue }: DueMail, wording: SubjectWording): string {
  const [lead] = sections;
  if (lead === undefined) return 'No news';
  const isNew = lead.kind === 'critical' || lead.kind === 'warning';
  const begun = isNew ? sections.filter(({ kind }) => kind === 'critical' || kind === 'warning') : [lead];
  const only = onlyLine(lead);
  const others = sections.filter((section) => section !== lead && (only !== null || !begun.includes(section)));
  const more = others.flatMap(({ kind, count }) => (kind === 'listed' ? [] : counts[kind](count)));
  const why = isNew ? unacknowledgedWords(itemsOf([lead])) : '';
  const tail = `${why === '' ? '' : `, ${why}`}${more.length === 0 ? '' : ` (+${more.join(', ')})`}`;
  const before = alreadyTrue && isNew ? 'Already true: ' : '';
  const most = maxColumns - columnsOf(before + tail);
  const head = only === null ? headOfMany(begun, lead.kind) : headOfOne(only, lead.kind, wording);
  const over = columnsOf(head) - most;
  // The name gives way before the value and the words after it.
  const fits = only === null || over <= 0 ? head : headOfOne(only, lead.kind, wording, whatColumns - over);
  return `${before}${cut(fits, most)}${tail}`;
}

const endings: Readonly<Record<string, string>> = { gone: 'Gone', unwatched: 'No longer watched' };

/** Returns the line of a section that has only one; null for other sections. */
function onlyLine({ rules }: Section): Line | null {
  const [first] = rules;
  if (rules.length !== 1 || first === undefined || first.rest.length > 0 || first.lines.length !== 1) return null;
  return first.lines[0] ?? null;
}

function headOfOne(line: Line, kind: SectionKind, wording: SubjectWording, columns = whatColumns): string {
  const [item] = line.items;
  if (item === undefined) return '';
  const isFolded = line.fold !== null;
  const what = isFolded ? foldTitle(line, kind, columns) : nameOfLine(line, kind, columns);
  const mark = item.severity === 'critical' ? 'CRITICAL' : 'Warning';
  switch (kind) {
    case 'critical':
    case 'warning':
      return `${mark}${firingHead(line, kind, wording, columns)}${item.transition === 'eased' ? ' (was critical)' : ''}`;
    case 'open': {
      const seen = isFolded ? null : lastSeen(item, kind, wording);
      const head = `Still ${mark === 'Warning' ? 'warning' : mark}${firingHead(line, kind, wording, columns)}`;
      return seen === null ? head : `${head}, ${seen}`;
    }
    case 'flapping': {
      const value = isFolded ? null : shortValue(item);
      return `Flapping (${item.severity}): ${what}${value === null ? '' : `, now ${value}`}`;
    }
    case 'resolved':
      return `Resolved: ${what}`;
    case 'ended':
      return `${endings[item.alert.closedReason ?? 'unwatched'] ?? 'Ended'}: ${what}`;
    case 'event':
      return `${mark === 'Warning' ? 'Event' : mark}: ${isFolded ? what : eventTitle(item, wording.reader)}`;
    case 'past':
      return `Over already: ${what}, was ${item.severity}`;
    case 'listed':
      return `Held back: ${what}`;
  }
}

/** Returns the text of a firing line with its separator: ` web-1: disk /var 96 %`. A sentence begins with a colon. */
function firingHead(line: Line, kind: SectionKind, wording: SubjectWording, columns: number): string {
  const [item] = line.items;
  if (item === undefined) return '';
  const { fold } = line;
  const { followsRows, namesItself } = kindOf(item);
  // No value follows a condition of the fleet.
  const what = !followsRows
    ? cut(fleetTitle(item), maxColumns)
    : fold === null
      ? cut(titleOf(item), columns)
      : foldTitle(line, kind, columns);
  const separator =
    !followsRows || fold?.kind === 'all' || fold?.kind === 'reason' || fold?.kind === 'left' ? ': ' : ' ';
  // The name of a removed rule begins with the rule's type.
  const type = item.watch.rule?.type ?? item.rule.split(' ', 1)[0];
  if (!followsRows && type === 'event' && fold === null) {
    const text = quoted(withoutTitle(item.alert.valueText, item));
    return `: ${cut(text === '' ? quoted(item.subject) : withSubject(quoted(item.subject), text), whatColumns)}`;
  }
  if (namesItself) return ` ${what}`;
  if (!followsRows) return `${separator}${what}`;
  const before = fold === null ? valueBefore(item) : null;
  if (before !== null) return `${separator}${what} was ${before}`;
  const value = fold === null ? subjectValue(item) : fold.kind === 'left' ? null : shortValue(item);
  // A sentence about the subject needs no label.
  if (fold === null && item.alert.value === null && saysSubject(item, value)) {
    return `${separator}${cut(quoted(item.client), columns)}: ${value}${againWords(item, wording)}`;
  }
  const isSame = fold === null || line.items.every((other) => shortValue(other) === value);
  const comma = item.alert.value === null ? ',' : '';
  const soon = fold === null ? fillsIn(item, wording) : null;
  const more = `${soon === null ? '' : `, ${soon}`}${fold === null ? againWords(item, wording) : ''}`;
  return `${separator}${value === null || !isSame ? what : `${what}${comma} ${value}`}${more}`;
}

/** True if a value begins with the subject of its alert. */
function saysSubject({ subject }: PendingNotification, value: string | null): value is string {
  return value !== null && subject !== '' && beginsWithName(value.toLowerCase(), quoted(subject).toLowerCase());
}

/** Returns the title of a condition of the fleet. For most of them the first sentence of the value says more. */
function fleetTitle(item: PendingNotification): string {
  const value = quoted(item.alert.valueText);
  // The names of members follow in the mail. Its own name may hold these marks too.
  const named = `${quoted(item.subject)}: `;
  if (kindOf(item).namesItself && value.startsWith(named))
    return named + (value.slice(named.length).split(/[:;] /, 1)[0] ?? '');
  if (item.rule === 'collector-isolated') return `${quoted(item.host ?? item.subject)} is cut off: ${value}`;
  if (item.rule === 'collector-fault') return `${quoted(item.host ?? item.subject)} is at fault: ${value}`;
  return titleOf(item) === labelOf(item) ? (value.split('. ', 1)[0] ?? '') : titleOf(item);
}

/**
 * Returns the beginning of a subject about many lines: `3 critical, 5 warnings: web-1 disk /var, ...`, or `web-1: 3
 * critical, 5 warnings: load, swap, ...` if all are of one client.
 */
function headOfMany(sections: readonly Section[], kind: SectionKind): string {
  const lines = sections.flatMap((section) =>
    section.rules.flatMap((rule) => rule.lines.map((line) => ({ line, kind: section.kind }))),
  );
  const clients = new Set(itemsOf(sections).map(({ client }) => client));
  const [client = ''] = clients;
  const isOneClients =
    clients.size === 1 &&
    itemsOf(sections).every((item) => kindOf(item).followsRows) &&
    lines.every(({ line }) => line.fold === null);
  const head = `${isOneClients ? `${cut(quoted(client), oneNameColumns)}: ` : ''}${countOf(sections, kind)}: `;
  // The first line of each client comes before the second of any.
  const byClient = groupBy(lines, ({ line }) => (line.fold === null ? (line.items[0]?.client ?? '') : line));
  const turns = new Map([...byClient.values()].flatMap((own) => own.map((one, turn) => [one, turn] as const)));
  const inTurn = [...lines].sort((one, other) => (turns.get(one) ?? 0) - (turns.get(other) ?? 0));
  const names = inTurn.map((one) => nameOfLine(one.line, one.kind, oneNameColumns, isOneClients));
  const isCut = sections.some(({ rules }) => rules.some(({ rest }) => rest.length > 0));
  return `${head}${asManyAsFit(names, columnsOf(head), isCut)}`;
}

function itemsOf(sections: readonly Section[]): readonly Line['items'][number][] {
  return sections.flatMap(({ rules }) =>
    rules.flatMap(({ lines, rest }) => [...lines.flatMap((line) => line.items), ...rest]),
  );
}

/** The number of items of a kind in words, for the leading section and for those after it. */
const counts: Readonly<Record<SectionKind, (count: number) => string>> = {
  critical: (count) => `${count} critical`,
  warning: (count) => counted(count, 'warning'),
  flapping: (count) => `${count} flapping`,
  resolved: (count) => `${count} resolved`,
  ended: (count) => `${count} ended`,
  event: (count) => counted(count, 'event'),
  past: (count) => `${count} began and ended`,
  open: (count) => `${count} still open`,
  listed: (count) => `${count} held back`,
};

function countOf(sections: readonly Section[], kind: SectionKind): string {
  const items = itemsOf(sections);
  if (kind === 'critical' || kind === 'warning') return countBySeverity(items);
  if (kind === 'open') return `Still open, ${countBySeverity(items)}`;
  return kind === 'ended' ? `${items.length} gone or no longer watched` : counts[kind](items.length);
}

/** Returns as many names as there is room for, at least one. */
function asManyAsFit(names: readonly string[], used: number, isCut: boolean): string {
  let text = '';
  for (const [index, name] of names.entries()) {
    const next = index === 0 ? name : `${text}, ${name}`;
    if (index > 0 && used + columnsOf(next) > nameColumns) return `${text}, …`;
    text = next;
  }
  return isCut ? `${text}, …` : text;
}
