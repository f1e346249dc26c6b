import type { Config, Severity } from '../config/config.ts';
import type { SeriesPoint } from '../storage/alert-store.ts';
import type { Episode } from '../storage/episode.ts';
import { groupBy } from '../storage/group-by.ts';
import { drawBlocks } from './blocks.ts';
import { formatValue } from './describe-value.ts';
import { foldTitle, labelHidesRule, sharedLabel, shortValue, titleOf } from './item-words.ts';
import { oneLine, quoted, shellWord } from './plain-text.ts';
import { unitOfRule } from './rule-metric.ts';
import type { Item, Line, SectionKind } from './telling.ts';
import { cut } from './text-columns.ts';
import { counted, durationInWords, spanInWords, timeInWords } from './time-words.ts';
import type { Reader } from './time-words.ts';

const dayMs = 86_400_000;
/** One an hour: that fits on a telephone whatever its font. */
const chartColumns = 24;
const mostNames = 60;
/** Of what a client or server said. */
const valueColumns = 500;

/** What a mail's words are made from. */
export interface Wording {
  readonly config: Config;
  readonly reader: Reader;
  /** By alert id. */
  readonly charts: ReadonlyMap<number, readonly SeriesPoint[]>;
  /** As people call it: `fleet-health`. */
  readonly program: string;
}

/** One line of a mail in words, not yet laid out. Nothing in it can break a layout; HTML has to be escaped. */
export interface LineWords {
  readonly severity: Severity;
  readonly title: string;
  readonly facts: readonly string[];
  readonly chart: { readonly blocks: string; readonly label: string } | null;
  /** Of many in one line. */
  readonly names: string | null;
  readonly notes: readonly string[];
  /** Each in its words, so that none is broken. */
  readonly commands: readonly { readonly why: string; readonly command: readonly string[] }[];
}

const firing: readonly SectionKind[] = ['critical', 'warning', 'flapping', 'open'];
/** Whose heading does not say how bad they are. */
const mixed: readonly SectionKind[] = ['flapping', 'open'];

export function wordsOfLine(line: Line, kind: SectionKind, wording: Wording): LineWords {
  const { items } = line;
  const [item] = items;
  if (item === undefined) throw new Error('a line of a mail has no items');
  const isMany = line.fold !== null;
  const title = isMany ? foldTitle(line) : titleOf(item);
  return {
    severity: item.severity,
    title: mixed.includes(kind) ? `${title} (${item.severity})` : title,
    facts: isMany ? factsOfMany(items, kind, wording) : factsOfOne(item, kind, wording),
    chart: isMany ? null : chartOf(item, wording),
    names: isMany ? namesOf(items) : null,
    notes: firing.includes(kind)
      ? [...new Set(items.flatMap(({ note }) => (note === null ? [] : [quoted(note)])))]
      : [],
    commands: firing.includes(kind) ? commandsOf(line, wording.program) : [],
  };
}

/** `and 35 more: 3 critical, 32 warnings` of what stands in no line. */
export function wordsOfRest(rest: readonly Item[]): string {
  const clients = new Set(rest.map(({ client }) => client)).size;
  return `and ${rest.length} more of ${sharedLabel(rest)} on ${counted(clients, 'client')}`;
}

function factsOfOne(item: Item, kind: SectionKind, { reader }: Wording): readonly string[] {
  const { episode } = item;
  const rule = labelHidesRule(item) ? [`rule ${quoted(item.rule)}`] : [];
  return [...valueFacts(item, kind), timeFact([item], kind, reader), ...rule]
    .filter((fact) => fact !== '')
    .concat(
      kind === 'open' && item.before !== null ? [`last told ${timeInWords(reader, item.before.toldAtMs)}`] : [],
      episode.flapping && kind !== 'flapping' ? ['comes and goes'] : [],
    );
}

/** Two keys one below the other, so that they can be compared. */
const changedKey = /^(.* shows) (\S+ SHA256:\S+), but (.* says) (\S+ SHA256:\S.*)$/;

function valueFacts(item: Item, kind: SectionKind): readonly string[] {
  const { episode, transition } = item;
  const keys = item.rule === 'host-key-changed' && firing.includes(kind) ? changedKey.exec(episode.valueText) : null;
  if (keys !== null) return keys.slice(1).map(quoted);
  const value = quoted(cut(episode.valueText, valueColumns));
  const limit = episode.limitText === '' ? '' : ` (limit: ${quoted(episode.limitText)})`;
  switch (kind) {
    case 'critical':
    case 'warning': {
      const before =
        transition === 'escalated'
          ? ['was a warning until now']
          : transition === 'eased'
            ? ['was critical until now']
            : transition === 'steady'
              ? ['came and went, and now stays']
              : [];
      return [`${value}${limit}`, ...before];
    }
    case 'open':
    case 'flapping':
      return [`${value}${limit}`];
    case 'resolved':
      return [episode.value === null ? value : `now ${value}${limit}`];
    case 'ended':
      return [`${endInWords(episode)}; last: ${value}`];
    case 'past':
    case 'listed':
      if (episode.closedReason === 'event') return [value];
      return [episode.value === null ? value : `${value} at the end${limit}`];
  }
}

function endInWords({ closedReason }: Episode): string {
  switch (closedReason) {
    case 'gone':
      return 'the client does not list it any more';
    case 'forgotten':
      return 'somebody said that it is no more';
    case 'superseded':
      return 'another collector has taken over';
    default:
      return 'config.xml does not watch it any more';
  }
}

function timeFact(items: readonly Item[], kind: SectionKind, reader: Reader): string {
  const begins = items.map(({ episode }) => episode.pendingSinceMs);
  const first = Math.min(...begins);
  if (firing.includes(kind)) {
    const age = ageInWords(reader.nowMs - first);
    const last = Math.max(...begins);
    const until = last - first < 60_000 ? '' : `, the last one since ${timeInWords(reader, last)}`;
    return `since ${timeInWords(reader, first)}${age}${until}`;
  }
  const end = Math.max(...items.map(({ episode }) => episode.resolvedAtMs ?? episode.progress.lastAtMs));
  if (end - first < 60_000) return timeInWords(reader, first);
  return `${spanInWords(reader, first, end)} (${durationInWords(end - first)})`;
}

/** A time that lies ahead comes from a clock that is wrong. */
function ageInWords(ageMs: number): string {
  return ageMs < 0 ? '' : ` (${durationInWords(ageMs)})`;
}

function factsOfMany(items: readonly Item[], kind: SectionKind, { reader }: Wording): readonly string[] {
  const [first] = items;
  const limits = new Set(items.map(({ episode }) => oneLine(episode.limitText)));
  const [limit = ''] = limits;
  const ends = kind === 'ended' ? [...new Set(items.map(({ episode }) => endInWords(episode)))] : [];
  const values = groupBy(items, shortValue);
  const shared = values.size === 1 || first?.rule === 'unreachable' || first?.episode.value === null;
  const tally = [...values].flatMap(([value, same]) =>
    value === null ? [] : [values.size === 1 ? value : `${same.length} ${value}`],
  );
  const said = shared ? tally.slice(0, 5).join(', ') : '';
  const limitWords = limits.size === 1 && limit !== '' ? `limit: ${quoted(limit)}` : '';
  const value = said === '' || limitWords === '' ? said + limitWords : `${said} (${limitWords})`;
  return [...ends, kind === 'ended' ? '' : value, timeFact(items, kind, reader)].filter((fact) => fact !== '');
}

function namesOf(items: readonly Item[]): string {
  const isSameSubject = new Set(items.map(({ subject }) => subject)).size === 1;
  const isSameValue = new Set(items.map(shortValue)).size === 1;
  const names = items.slice(0, mostNames).map((item) => {
    const value = item.episode.value === null || isSameValue ? null : shortValue(item);
    const name = isSameSubject ? quoted(item.client) : `${quoted(item.client)} ${quoted(item.subject)}`;
    return value === null ? name : `${name} ${value}`;
  });
  const more = items.length - names.length;
  return more === 0 ? names.join(', ') : `${names.join(', ')} and ${more} more`;
}

function chartOf(item: Item, { config, charts, reader }: Wording): LineWords['chart'] {
  const points = charts.get(item.alertId);
  if (points === undefined) return null;
  const { nowMs } = reader;
  const drawn = drawBlocks({ points, fromMs: nowMs - dayMs, untilMs: nowMs, columns: chartColumns });
  if (drawn === null) return null;
  const rule = config.clients.find(({ name }) => name === item.client)?.rules.find(({ name }) => name === item.rule);
  const inWords = (value: number): string =>
    rule === undefined ? String(Math.round(value * 10) / 10) : formatValue(unitOfRule(rule), value);
  const [least, most] = [inWords(drawn.least), inWords(drawn.most)];
  return { blocks: drawn.text, label: least === most ? `${most} throughout` : `${least} to ${most}` };
}

function commandsOf({ items, clients, fold }: Line, program: string): LineWords['commands'] {
  const [item] = items;
  if (item === undefined) return [];
  const names = clients.length <= 10 ? clients.map(shellWord) : [];
  const accept =
    item.rule === 'host-key-changed'
      ? [{ why: 'if the change is meant to be:', command: [program, 'trust', '--replace', ...names] }]
      : item.rule === 'not-trusted'
        ? [{ why: 'to compare and accept:', command: [program, 'trust', ...names] }]
        : [];
  const rule = shellWord(item.rule);
  // What a dry run judged has no number that `ack` would know.
  const name = item.alertId > 0 ? [String(item.alertId)] : [item.client === '' ? "'*'" : shellWord(item.client), rule];
  const acknowledge =
    fold === null
      ? { why: '', command: [program, 'ack', ...name] }
      : fold.kind === 'all'
        ? { why: '', command: [program, 'ack', "'*'", rule] }
        : { why: 'one of them:', command: [program, 'ack', shellWord(item.client), rule] };
  return [...accept, acknowledge];
}
