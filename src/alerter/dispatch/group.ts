import type { Config } from '../../config/config.ts';
import type { Bastions } from '../inhibit/bastions-gone.ts';
import { groupBy } from '../../platform/group-by.ts';
import { compareNotifications, reasonOf, sectionOf, sectionOrder } from './notification-plan.ts';
import type { Fold, Line, PendingNotification, RuleLines, Section, SectionKind } from './notification-plan.ts';
import { compareText } from '../../text/compare-text.ts';
import { compareSeverity } from '../transition/compare-severity.ts';

/** The number of clients of one group, or with one reason, from which a rule's items become one line. */
export const fewestOfGroup = 5;
const maxLinesOfRule = 20;
/** The most lines of one client while others wait: no client may push another out of the mail. */
const maxLinesOfClient = 3;

export interface GroupOptions {
  readonly items: readonly PendingNotification[];
  /** All of config.xml. */
  readonly clients: Config['clients'];
  readonly bastions: Bastions;
  /** Returns the remote export of a mount; null if there is none, or if the export is unknown. */
  readonly exportOf: (client: string, mount: string) => string | null;
}

/** Groups the items of a mail into sections, and items that belong together into one line. */
export function sectionsOf(options: GroupOptions): readonly Section[] {
  const byKind = groupBy(options.items, sectionOf);
  return sectionOrder.flatMap((kind): readonly Section[] => {
    const items = byKind.get(kind);
    if (items === undefined) return [];
    const rules = [...groupBy(items, ({ client, rule }) => `${client === '' ? 0 : 1}${rule}`)]
      .sort(([one], [other]) => compareText(one, other))
      .map(([, ofRule]) => linesOf(kind, ofRule, options));
    return [{ kind, count: items.length, rules }];
  });
}

function linesOf(kind: SectionKind, items: readonly PendingNotification[], options: GroupOptions): RuleLines {
  const lines = folded(kind, items, options).sort(compareLines);
  const shown = shownOf(lines);
  return {
    lines: lines.filter((line) => shown.has(line)),
    rest: lines.filter((line) => !shown.has(line)).flatMap((line) => line.items),
  };
}

/** Returns the lines that a mail has room for: first a few of each client, then further ones. */
function shownOf(lines: readonly Line[]): ReadonlySet<Line> {
  const ofClient = groupBy(lines, (line) => (line.fold === null ? (line.items[0]?.client ?? '') : line));
  const first = new Set([...ofClient.values()].flatMap((own) => own.slice(0, maxLinesOfClient)));
  const inTurn = [...lines.filter((line) => first.has(line)), ...lines.filter((line) => !first.has(line))];
  return new Set(inTurn.slice(0, maxLinesOfRule));
}

function folded(kind: SectionKind, items: readonly PendingNotification[], options: GroupOptions): Line[] {
  const { bastions, exportOf, clients } = options;
  const lines: Line[] = [];
  let left = items;
  const fold = (
    foldOf: (item: PendingNotification) => string | null,
    makeFold: (key: string) => Fold,
    fewest: number,
  ): void => {
    const taken = new Set<PendingNotification>();
    for (const [key, same] of groupBy(left, foldOf)) {
      if (key === null || clientsOf(same).length < fewest) continue;
      lines.push(lineOf(makeFold(key), same));
      for (const item of same) taken.add(item);
    }
    if (taken.size > 0) left = left.filter((item) => !taken.has(item));
  };
  const [{ rule } = { rule: '' }] = items;
  if (rule === 'not-trusted')
    fold(
      () => '',
      () => ({ kind: 'all' }),
      2,
    );
  if (rule === 'unreachable') {
    const foldOf = bastionFold(kind, items, bastions);
    const makeFold = (name: string): Fold => ({
      kind: 'bastion',
      name,
      behind: bastions.behind(name),
      still: kind === 'resolved' ? bastions.lostBehind(name) : [],
    });
    fold(foldOf, makeFold, 2);
  }
  fold(
    ({ client, subject }) => (subject === '' ? null : exportOf(client, subject)),
    (source) => ({ kind: 'export', source }),
    2,
  );
  const deepest = Math.max(0, ...left.map((item) => groupsOf(item).length));
  for (let depth = deepest; depth > 0; depth--) {
    const pathOf = (groups: readonly string[]): string | null =>
      groups.length < depth ? null : groups.slice(0, depth).join('\0');
    fold(
      (item) => pathOf(groupsOf(item)),
      (path) => ({
        kind: 'group',
        name: path.slice(path.lastIndexOf('\0') + 1),
        size: clients.filter(({ groups, state }) => state !== 'retired' && pathOf(groups) === path).length,
      }),
      fewestOfGroup,
    );
  }
  fold(reasonOf, () => ({ kind: 'reason' }), fewestOfGroup);
  if (kind === 'event') lines.push(...repeatedEvents(left));
  const alone = new Set(lines.flatMap((line) => line.items));
  return [...lines, ...left.filter((item) => !alone.has(item)).map((item) => lineOf(null, [item]))];
}

/** Returns the named groups of an item's client, outermost first; none for the fleet. */
function groupsOf({ watch }: PendingNotification): readonly string[] {
  return watch.client?.groups ?? [];
}

/** Returns one line for each client with several events: a boot loop is counted, not listed. */
function repeatedEvents(items: readonly PendingNotification[]): readonly Line[] {
  return [...groupBy(items, ({ client }) => client)].flatMap(([name, own]) =>
    own.length < 2 ? [] : [lineOf({ kind: 'client', name }, own)],
  );
}

/**
 * Returns a function that names the bastion of an item: the lost one, or, for clients that are back, a bastion with
 * more than half of its clients back.
 */
function bastionFold(
  kind: SectionKind,
  items: readonly PendingNotification[],
  bastions: Bastions,
): (item: PendingNotification) => string | null {
  if (kind !== 'resolved' && kind !== 'past' && kind !== 'listed') {
    return ({ client }) => bastions.lostFor(client)?.name ?? null;
  }
  const back = new Map<string, number>();
  for (const name of items.flatMap(({ client }) => bastions.routeTo(client))) back.set(name, (back.get(name) ?? 0) + 1);
  return ({ client }) =>
    bastions.routeTo(client).find((name) => (back.get(name) ?? 0) * 2 > bastions.behind(name)) ?? null;
}

function lineOf(fold: Fold | null, items: readonly PendingNotification[]): Line {
  return { fold, items: [...items].sort(compareNotifications), clients: clientsOf(items) };
}

function clientsOf(items: readonly PendingNotification[]): readonly string[] {
  return [...new Set(items.map(({ client }) => client))].filter((client) => client !== '').sort(compareText);
}

/** Orders worst first, then by the first client. */
function compareLines(one: Line, other: Line): number {
  const [first, second] = [one.items[0], other.items[0]];
  if (first === undefined || second === undefined) return 0;
  const bySeverity = compareSeverity(first.severity, second.severity);
  const byFold = Number(one.fold === null) - Number(other.fold === null);
  return bySeverity || byFold || compareNotifications(first, second);
}
