import { countBySeverity, foldTitle, nameOfLine, shortValue, titleOf } from './item-words.ts';
import { quoted } from './plain-text.ts';
import type { DueMail, Line, Section, SectionKind } from './telling.ts';
import { columnsOf, cut } from './text-columns.ts';
import { counted } from './time-words.ts';

/** So much of it a telephone shows without being unlocked: names go no further. */
const nameColumns = 66;
const mostColumns = 120;
/** Of one thing's name, so that its value still shows. */
const whatColumns = 80;
/** Of one name among several. */
const oneNameColumns = 40;

/**
 * The subject: the worst first, countable, what matters within about 60 columns. `CRITICAL web-1: disk /var 96 % (+2
 * warnings)`, `3 critical, 5 warnings: web-1 disk /var, ...`, `Resolved: web-1 disk /var`.
 */
export function composeSubject({ sections, alreadyTrue }: DueMail): string {
  const [lead] = sections;
  if (lead === undefined) return 'Nothing to tell';
  const isNew = lead.kind === 'critical' || lead.kind === 'warning';
  const begun = isNew ? sections.filter(({ kind }) => kind === 'critical' || kind === 'warning') : [lead];
  const only = onlyLine(lead);
  const subject =
    only === null
      ? `${headOfMany(begun, lead.kind)}: ${namesOf(begun, columnsOf(headOfMany(begun, lead.kind)) + 2)}`
      : headOfOne(only, lead.kind);
  const others = sections.filter((section) => section !== lead && (only !== null || !begun.includes(section)));
  const more = others.flatMap(({ kind, count }) => extraOf(kind, count));
  const tail = more.length === 0 ? '' : ` (+${more.join(', ')})`;
  const head = `${alreadyTrue && isNew ? 'Already true: ' : ''}${subject}`;
  return `${cut(head, mostColumns - columnsOf(tail))}${tail}`;
}

const endings: Readonly<Record<string, string>> = { gone: 'Gone', unwatched: 'No longer watched' };

/** The line that is all of a section. */
function onlyLine({ rules }: Section): Line | null {
  const [first] = rules;
  if (rules.length !== 1 || first === undefined || first.rest.length > 0 || first.lines.length !== 1) return null;
  return first.lines[0] ?? null;
}

function headOfOne(line: Line, kind: SectionKind): string {
  const [item] = line.items;
  if (item === undefined) return '';
  const name = cut(nameOfLine(line), whatColumns);
  const value = shortValue(item);
  const isSame = line.items.every((other) => shortValue(other) === value);
  // Collectors have names that say nothing to people; what is told of them is a sentence.
  const isFleets = item.client === '';
  const what = cut(
    isFleets ? quoted(item.episode.valueText) : line.fold === null ? titleOf(item) : foldTitle(line),
    whatColumns,
  );
  const comma = item.episode.value === null ? ',' : '';
  const full = value === null || !isSame || isFleets ? what : `${what}${comma} ${value}`;
  const mark = item.severity === 'critical' ? 'CRITICAL' : 'Warning';
  const separator = isFleets || line.fold?.kind === 'all' ? ': ' : ' ';
  switch (kind) {
    case 'critical':
    case 'warning':
      return `${mark}${separator}${full}${item.transition === 'eased' ? ' (was critical)' : ''}`;
    case 'open':
      return `Still ${mark === 'Warning' ? 'warning' : mark}${separator}${full}`;
    case 'flapping':
      return `Flapping: ${name}`;
    case 'resolved':
      return `Resolved: ${name}`;
    case 'ended':
      return `${endings[item.episode.closedReason ?? 'unwatched'] ?? 'Ended'}: ${name}`;
    case 'past':
      return item.episode.closedReason === 'event' ? `Warning: ${name}` : `Over already: ${name}, was ${item.severity}`;
    case 'listed':
      return `Held back: ${name}`;
  }
}

function headOfMany(sections: readonly Section[], kind: SectionKind): string {
  const items = sections.flatMap(({ rules }) =>
    rules.flatMap(({ lines, rest }) => [...lines.flatMap((line) => line.items), ...rest]),
  );
  const bySeverity = countBySeverity(items);
  switch (kind) {
    case 'critical':
    case 'warning':
      return bySeverity;
    case 'open':
      return `Still open, ${bySeverity}`;
    case 'flapping':
      return `${items.length} flapping`;
    case 'resolved':
      return `${items.length} resolved`;
    case 'ended':
      return `${items.length} gone or no longer watched`;
    case 'past':
      return items.every(({ episode }) => episode.closedReason === 'event')
        ? counted(items.length, 'event')
        : `${items.length} over already`;
    case 'listed':
      return `${items.length} held back`;
  }
}

/** As many names as there is room for, at least one. */
function namesOf(sections: readonly Section[], used: number): string {
  const names = sections.flatMap(({ rules }) =>
    rules.flatMap(({ lines }) => lines.map((line) => cut(nameOfLine(line), oneNameColumns))),
  );
  const isCut = sections.some(({ rules }) => rules.some(({ rest }) => rest.length > 0));
  let text = '';
  for (const [index, name] of names.entries()) {
    const next = index === 0 ? name : `${text}, ${name}`;
    if (index > 0 && used + columnsOf(next) > nameColumns) return `${text}, …`;
    text = next;
  }
  return isCut ? `${text}, …` : text;
}

function extraOf(kind: SectionKind, count: number): readonly string[] {
  switch (kind) {
    case 'critical':
      return [`${count} critical`];
    case 'warning':
      return [counted(count, 'warning')];
    case 'flapping':
      return [`${count} flapping`];
    case 'resolved':
      return [`${count} resolved`];
    case 'ended':
      return [`${count} ended`];
    case 'past':
      return [`${count} over already`];
    case 'open':
      return [`${count} still open`];
    case 'listed':
      return [];
  }
}
