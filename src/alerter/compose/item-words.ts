import type { Config, Severity } from '../../config/config.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { SeriesPoint, StoredLook } from '../../storage/store/notification-store.ts';
import { alertLabel } from '../../about/alert-label.ts';
import { oneLine, quoted } from '../../text/plain-text.ts';
import type { PendingNotification, Line, ParentFold, SectionKind } from '../dispatch/notification-plan.ts';
import { columnsOf, cut } from '../../text/text-columns.ts';
import { commaGrouped, counted, countedMany, joined, namedUpTo } from '../../text/numbers.ts';
import type { TimeReader } from '../../text/time-words.ts';

/** The facts beside its items that a mail's words are made from. */
export interface Wording {
  readonly config: Config;
  readonly reader: TimeReader;
  /** Values by alert id. */
  readonly charts: ReadonlyMap<number, readonly SeriesPoint[]>;
  /** The number of times that an alert began to fire today, by alert id. An alert that fired once may be missing. */
  readonly timesToday: ReadonlyMap<number, number>;
  /** Distribution or kernel by client; a client is missing if none is known. */
  readonly systems: ReadonlyMap<string, string>;
  /** The last lines of checks and failed units, by `client U+0000 subject`. */
  readonly excerpts: ReadonlyMap<string, readonly string[]>;
  /** The looks of clients beside unreachable ones, by client. */
  readonly looks: ReadonlyMap<string, StoredLook>;
  /** The link that answers the mail. Default: it has none. */
  readonly replyLink?: string | null;
  /** The program on people's command line: `fleet-health`. */
  readonly program: string;
}

/** Returns the page of an alert, or of all alerts if there are several; null if nothing serves pages. */
export function pageOf({ serve }: Pick<Config, 'serve'>, alertIds: readonly number[]): string | null {
  const [id = 0, ...others] = new Set(alertIds);
  if (serve === null || serve.url === null || id <= 0) return null;
  return others.length > 0 ? `${serve.url}alerts` : `${serve.url}alerts/${id}`;
}

/** The most columns of a short value. */
const shortColumns = 24;
/** The most names in a title; the others are counted. */
export const maxNamesInTitle = 5;

/** Returns the subject of an alert without its client: `disk /var`, `service nginx.service`, `unreachable`. */
export function labelOf(item: Pick<PendingNotification, 'rule' | 'subject'>): string {
  return alertLabel(item).map(quoted).join(' ');
}

/**
 * Returns the value in a word or two: a number without the text after it, or the class of an unreachable client's
 * fault. Returns null if the value takes more words.
 */
export function shortValue({ rule, alert }: Pick<PendingNotification, 'rule' | 'alert'>): string | null {
  const text = oneLine(alert.valueText);
  if (rule === 'unreachable') {
    const kind = /^(network|login refused|agent failed)(?::|$)/.exec(text)?.[1];
    return kind ?? null;
  }
  return shortText(text, alert.value);
}

/** The most columns of a value in a subject about one alert. */
const subjectColumns = 40;

/** The facts in the title before a value. */
type Title = Pick<PendingNotification, 'severity' | 'client' | 'rule' | 'subject'>;

/** The words of plugins for a state. */
const stateWords = { critical: ['critical', 'crit'], warning: ['warning', 'warn'] } as const;

/**
 * Returns a text without the names and the state at its beginning, which its title has already: `MAILQ CRITICAL: 210
 * unsent` of the check `mailq` becomes `210 unsent`. A name that begins a sentence stays.
 */
export function withoutTitle(text: string, { severity, client, rule, subject }: Title): string {
  const names = [client, ...alertLabel({ rule, subject })].map(oneLine);
  const known = new Set([...names, ...names.flatMap((name) => name.split(/[^\p{L}\p{N}]+/u))].map(bareWord));
  const states: readonly string[] = stateWords[severity];
  const words = oneLine(text).split(' ');
  const bare = words.map(bareWord);
  const endsHeading = (at: number): boolean => /[:,\])]$/.test(words[at] ?? '') || bare[at + 1] === '';
  const isState = (at: number): boolean =>
    states.includes(bare[at] ?? '') && (endsHeading(at) || words[at] === words[at]?.toUpperCase());
  const isName = (at: number): boolean => known.has(bare[at] ?? '') && (endsHeading(at) || isState(at + 1));
  // A plugin's name for itself may differ from that of the check: `DISK CRITICAL - free space` of `root`.
  const isOwnName = bare[0] !== '' && !isName(0) && !isState(0) && isState(1) && endsHeading(1);
  let first = isOwnName ? 1 : 0;
  while (first < words.length && (bare[first] === '' || isName(first) || isState(first))) first += 1;
  const rest = words.slice(first).join(' ');
  return isOwnName ? `${words[0] ?? ''}: ${rest}`.replace(/: $/, '') : rest;
}

/** Returns a word in lower case without signs at its ends, but for the / of a path; '' for signs alone. */
function bareWord(word: string): string {
  return word.replace(/^[^\p{L}\p{N}/]+|[^\p{L}\p{N}]+$/gu, '').toLowerCase();
}

/** Returns the text of a value beside its title. Numbers repeat nothing. */
export function textBeside(title: Title, { value, valueText }: Pick<Alert, 'value' | 'valueText'>): string {
  return value === null ? withoutTitle(valueText, title) : oneLine(valueText);
}

/** Returns the value of a single alert in a subject: the short value, or as many clauses of the text as fit. */
export function subjectValue(item: Title & Pick<PendingNotification, 'alert'>): string | null {
  if (item.rule === 'unreachable') return shortValue(item);
  const text = textBeside(item, item.alert);
  const short = shortText(text, item.alert.value);
  if (short !== null) return short;
  const ends = [...text.matchAll(/[,;:] | \(|$/g)].map(({ index }) => index);
  const end = ends.findLast((index) => columnsOf(text.slice(0, index)) <= subjectColumns) ?? 0;
  return end === 0 ? null : quoted(text.slice(0, end));
}

/** Returns `96 %` of `96 % used, 4 of 100 GiB free`, `full in about 6 days` of a forecast; null for longer values. */
export function shortText(text: string, value: number | null): string | null {
  const short = value === null ? text : (text.split(/ used, |, | \(/, 1)[0] ?? text);
  return short !== '' && columnsOf(short) <= shortColumns ? quoted(short) : null;
}

const collectorTitles: Readonly<Record<string, string>> = {
  'collector-silent': 'silent',
  'collector-isolated': 'cut off',
  'collector-fault': 'at fault',
};

/** Returns the title of an item: `web-1: disk /var`, `collector col1 is silent`. */
export function titleOf(item: PendingNotification): string {
  const { followsRows, namesItself } = kindOf(item);
  if (followsRows) return `${quoted(item.client)}: ${labelOf(item)}`;
  if (namesItself) return quoted(item.subject);
  const state = collectorTitles[item.rule];
  if (state === undefined) return labelOf(item);
  return `collector ${quoted(item.host ?? item.subject)} ${item.alert.state === 'resolved' ? 'was' : 'is'} ${state}`;
}

/** The columns that the name of many items keeps. */
const shortestName = 8;
/** The most columns that the line of a parent keeps in any case. */
const parentColumns = 48;

/**
 * Returns the title of many items in one line: `rack-7: 8 of 12 unreachable`, `rack-7: disk /var (7 of 12 clients)`. A
 * title with too many columns loses the end of its name, not what is said of it.
 */
export function foldTitle(line: Line, kind: SectionKind, columns = Infinity): string {
  return foldName(line, kind, ': ', columns);
}

function foldName(line: Line, kind: SectionKind, separator: string, columns: number): string {
  const { fold, clients } = line;
  if (fold?.kind === 'left') {
    return cut(`${quoted(fold.name)} is back, still away: ${namedUpTo(maxNamesInTitle, clients.map(quoted))}`, columns);
  }
  const [whose, label] = [whoseFold(line), foldLabel(line, kind)];
  const ofLabel = columnsOf(`${separator}${label}`);
  const kept = line.fold?.kind === 'parent' ? Math.min(parentColumns, shortestName + ofLabel) : 0;
  const most = Math.max(columns, kept);
  const left = Math.max(shortestName, most - ofLabel);
  return cut(whose === '' ? label : `${cut(whose, left)}${separator}${label}`, most);
}

/** Returns the name of a line among others: `web-1 disk /var`, or `disk /var` if all are of one client. */
export function nameOfLine(line: Line, kind: SectionKind, columns: number, ofOneClient = false): string {
  const [item] = line.items;
  if (item === undefined) return '';
  if (line.fold !== null) return foldName(line, kind, ' ', columns);
  if (!kindOf(item).followsRows) return cut(titleOf(item), columns);
  return cut(ofOneClient ? labelOf(item) : `${quoted(item.client)} ${labelOf(item)}`, columns);
}

function whoseFold({ fold }: Line): string {
  if (fold === null || fold.kind === 'reason' || fold.kind === 'all') return '';
  if (fold.kind === 'export') return quoted(fold.source);
  return `${fold.kind === 'parent' && fold.isBastion ? 'bastion ' : ''}${quoted(fold.name)}`;
}

/** Returns the state of many clients in words; null if the rule's name says as much. */
function stateOf(rule: string, kind: SectionKind): string | null {
  if (rule === 'rebooted' && kind === 'event') return 'were booted';
  if (rule === 'oom-kill' && kind === 'event') return 'ran out of memory';
  if (rule !== 'unreachable' || kind === 'ended' || kind === 'past' || kind === 'listed') return null;
  return kind === 'resolved' ? 'reachable again' : 'unreachable';
}

function foldLabel(line: Line, kind: SectionKind): string {
  const { fold, items, clients } = line;
  if (fold?.kind === 'parent') return parentLabel(line, fold, kind);
  const count = clients.length;
  const size = fold?.kind === 'group' ? Math.max(fold.size, count) : null;
  const state = stateOf(items[0]?.rule ?? '', kind);
  if (fold?.kind === 'client') {
    const again = items[0]?.rule === 'rebooted' ? 'booted' : state;
    return again === null ? `${sharedLabel(items)} (${items.length} times)` : `${again} ${items.length} times`;
  }
  const ofAll = size === null ? '' : ` of ${size}`;
  if (state === null) {
    const noun = count === 1 && size === null ? 'client' : 'clients';
    return `${sharedLabel(items)} (${count}${ofAll} ${noun})`;
  }
  return `${size === null ? counted(count, 'client') : `${count}${ofAll}`} ${state}`;
}

/** Returns `6 of 8 on it unreachable`, or `unreachable with 6 of 8 on it` if the line has alerts of the parent too. */
function parentLabel({ items, clients }: Line, fold: ParentFold, kind: SectionKind): string {
  const { names, behind, isBastion, still } = fold;
  const needing = clients.filter((client) => !names.includes(client));
  const isWhole = needing.length < clients.length;
  const count = `${needing.length} of ${behind}`;
  const where = isBastion ? 'behind it' : names.length > 1 ? 'on them' : 'on it';
  const state = stateOf('unreachable', kind);
  if (state === null) return `${sharedLabel(items)} (${isWhole ? 'with ' : ''}${count} clients ${where})`;
  const remain = still.length === 0 ? '' : `; still not: ${namedUpTo(maxNamesInTitle, still.map(quoted))}`;
  if (isWhole) return `${state} with ${count} ${where}${remain}`;
  return `${count}${state === 'unreachable' ? ` ${where}` : ''} ${state}${remain}`;
}

/** Returns the label of items of one rule, with the subject if all have the same. */
export function sharedLabel(items: readonly PendingNotification[]): string {
  const [first] = items;
  if (first === undefined) return '';
  const isSame = items.every(({ subject }) => subject === first.subject);
  return isSame ? labelOf(first) : labelOf({ rule: first.rule.split(' ', 1)[0] ?? first.rule, subject: '' });
}

/** Counts items in words: `3 critical, 5 warnings`; '' for none. */
export function countBySeverity(items: readonly { readonly severity: Severity }[]): string {
  const critical = items.filter(({ severity }) => severity === 'critical').length;
  const warnings = items.length - critical;
  return joined([
    critical === 0 ? '' : `${commaGrouped(critical)} critical`,
    warnings === 0 ? '' : countedMany(warnings, 'warning'),
  ]);
}
