import { kindOf } from '../../about/kinds.ts';
import { append, greatest, groupBy } from '../../platform/group-by.ts';
import { type Parent, parentsOf } from '../../config/clients/parents.ts';
import type { Config } from '../../config/config.ts';
import { type LostParents, saysAway } from '../inhibit/lost-parents.ts';
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
  readonly config: Config;
  readonly parents: LostParents;
  /** Returns the remote export of a mount; null if there is none, or if the export is unknown. */
  readonly exportOf: (client: string, mount: string) => string | null;
}

/** Groups the items of a mail into sections, and items that belong together into one line. */
export function sectionsOf(options: GroupOptions): readonly Section[] {
  const byKind = groupBy(options.items, sectionOf);
  return sectionOrder.flatMap((kind): readonly Section[] => {
    const items = byKind.get(kind);
    if (items === undefined) return [];
    const parentOf = foldedParents(kind, items, options);
    // Clients that a parent explains are one line, whether they are unreachable or have not pushed.
    const ruleOf = (item: PendingNotification): string => (parentOf(item) === null ? item.rule : 'unreachable');
    const rules = [...groupBy(items, (item) => `${kindOf(item).followsRows ? 1 : 0}${ruleOf(item)}`)]
      .sort(([one], [other]) => compareText(one, other))
      .map(([, ofRule]) => linesOf(kind, ofRule, { ...options, parentOf }));
    return [{ kind, count: items.length, rules }];
  });
}

interface LinesOptions extends GroupOptions {
  readonly parentOf: (item: PendingNotification) => string | null;
}

function linesOf(kind: SectionKind, items: readonly PendingNotification[], options: LinesOptions): RuleLines {
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

function folded(kind: SectionKind, items: readonly PendingNotification[], options: LinesOptions): Line[] {
  const { config, parents, exportOf, parentOf } = options;
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
  const { all, clientsOn } = parentsOf(config);
  const parentFold = (name: string): Fold => {
    const { names = [], isBastion = false } = all.get(name) ?? {};
    const still = kind === 'resolved' ? parents.lostBehind(name) : [];
    return { kind: 'parent', name, names, isBastion, behind: clientsOn(name).length, still };
  };
  fold(
    ({ leftBy }) => leftBy ?? null,
    (name) => ({ kind: 'left', name }),
    1,
  );
  fold(parentOf, parentFold, 2);
  fold(
    ({ client, subject }) => (subject === '' ? null : exportOf(client, subject)),
    (source) => ({ kind: 'export', source }),
    2,
  );
  const deepest = greatest([0, ...left.map((item) => groupsOf(item).length)]);
  for (let depth = deepest; depth > 0; depth--) {
    const pathOf = (groups: readonly string[]): string | null =>
      groups.length < depth ? null : groups.slice(0, depth).join('\0');
    fold(
      (item) => pathOf(groupsOf(item)),
      (path) => ({
        kind: 'group',
        name: path.slice(path.lastIndexOf('\0') + 1),
        size: config.clients.filter(({ groups, state }) => state !== 'retired' && pathOf(groups) === path).length,
      }),
      fewestOfGroup,
    );
  }
  fold(reasonOf, () => ({ kind: 'reason' }), fewestOfGroup);
  if (kind === 'event') append(lines, repeatedEvents(left));
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
 * Returns a function that names the parent whose line an item is part of, or null: the lost one that is nearest to the
 * collector; for clients that are back, one that is back too, or has more than half of its clients back. The alerts of
 * the parent itself are part of the line.
 */
function foldedParents(
  kind: SectionKind,
  items: readonly PendingNotification[],
  { config, parents: { lostFor } }: GroupOptions,
): (item: PendingNotification) => string | null {
  const away = items.filter(({ alert, watch }) => saysAway(alert, watch.client));
  if (away.length < 2) return () => null;
  const { of, clientsOn } = parentsOf(config);
  const own = new Set(away.map(({ client }) => client));
  const back = groupBy(
    away.flatMap(({ client }) => of(client)),
    ({ name }) => name,
  );
  const isBack = ({ name, names }: Parent): boolean =>
    names.every((one) => own.has(one)) || (back.get(name)?.length ?? 0) * 2 > clientsOn(name).length;
  const isOver = kind === 'resolved' || kind === 'past' || kind === 'listed';
  const parentFor = ({ client }: PendingNotification): Parent | null =>
    (isOver ? of(client).find(isBack) : lostFor(client)[0]) ?? null;
  const chosen = new Map(away.map((item) => [item, parentFor(item)]));
  const whole = [...chosen.values()].filter((parent) => parent?.names.every((one) => own.has(one)) === true);
  const itself = new Map(whole.flatMap((parent) => (parent?.names ?? []).map((one) => [one, parent])));
  const lines = groupBy(away, (item) => (chosen.get(item) ?? itself.get(item.client))?.name ?? null);
  const isLine = ([name, same]: [string | null, readonly PendingNotification[]]): boolean =>
    name !== null && clientsOf(same).length >= 2;
  const names = new Map([...lines].filter(isLine).flatMap(([name, same]) => same.map((item) => [item, name])));
  return (item) => names.get(item) ?? null;
}

function lineOf(fold: Fold | null, items: readonly PendingNotification[]): Line {
  return { fold, items: [...items].sort(compareNotifications), clients: clientsOf(items) };
}

function clientsOf(items: readonly PendingNotification[]): readonly string[] {
  return [...new Set(items.flatMap((item) => (kindOf(item).followsRows ? item.client : [])))].sort(compareText);
}

/** Orders worst first, then by the first client. */
function compareLines(one: Line, other: Line): number {
  const [first, second] = [one.items[0], other.items[0]];
  if (first === undefined || second === undefined) return 0;
  const bySeverity = compareSeverity(first.severity, second.severity);
  const byFold = Number(one.fold === null) - Number(other.fold === null);
  return bySeverity || byFold || compareNotifications(first, second);
}
