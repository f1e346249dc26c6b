import { greatest, groupBy } from '../../platform/group-by.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { dayMs, hourMs, minuteMs } from '../../platform/units.ts';
import { rootGroups } from '../../report/state/state.ts';
import type { NamedChanges } from '../../storage/store/alert.ts';
import type { ClientChange } from '../../storage/store/digest-store.ts';
import { compareText } from '../../text/compare-text.ts';
import { chanceWithin, combined, fisherGreater, type Share } from './chances.ts';

/** Changes of one client are one set if the same members have them and less than this is between two of them. */
export const setGapMs = 30 * minuteMs;
/** The changes before an alert that are looked at. */
export const windowMs = dayMs;
/** The time between the report and the state of one visit, at most. */
export const sameVisitMs = minuteMs;
/**
 * The time after the first bad row in which the next look finds what may have come before it: the alerter asks for one.
 */
export const laterMs = 2 * hourMs;
/** An item that changed on this many earlier days of a month is restless. */
export const restlessDays = 5;
/** The share of sets whose items name the subject of the alert, if there are both such sets and others. */
const namingShare = 0.8;

/** Members of the group that is compared, and what is known of them. */
export interface ComparedGroup {
  readonly name: string;
  /** The members whose section of a kind is known, by kind. */
  readonly knowing: (kind: string) => ReadonlySet<string>;
}

/** Everything that the test of an alert's changes depends on. */
export interface WeighInput {
  readonly client: string;
  readonly subject: string;
  /** The time of the first bad row. */
  readonly startMs: number;
  /** The changes of the client, from a day before the alert, or from its absence, to the look after the alert. */
  readonly changes: readonly ClientChange[];
  /** null if no group has five members whose state is known. */
  readonly group: ComparedGroup | null;
  /** The members that fail, this client among them, with the first bad row of each. */
  readonly failing: ReadonlyMap<string, number>;
  /** The members that have the item as the change left it. */
  readonly holdersOf: (change: ClientChange) => ReadonlySet<string>;
  /** The earliest time of the same change of another member; null if it is not known to have changed within the day. */
  readonly earliestOf: (change: ClientChange, member: string) => number | null;
  /** The usual number of sets an hour at this time of day. */
  readonly setsPerHour: number;
  /** The days of the month before on which an item has changed, by item. */
  readonly earlierDays: (change: ClientChange) => number;
  /** The greatest chance that is named. */
  readonly leastChance: number;
  /** The last report before an absence that the first bad row directly follows; null if none. Default: null. */
  readonly awaySinceMs?: number | null;
  /** The time of the client's last boot before the first bad row; null if unknown. */
  readonly bootedAtMs?: number | null;
}

/**
 * `by-chance`: neither near enough nor rare enough. `found-later`: the look before the alert had not found it, and the
 * look after it did. `same-time`: a port or mount that vanished with the alert. `while-away`: the client changed during
 * an absence that the alert directly follows, so that neither time nor chance says anything.
 */
export type Verdict =
  'named' | 'while-away' | 'by-chance' | 'found-later' | 'others-have-it' | 'restless' | 'same-time';

/** Changes that came together, as the test sees them. */
export interface WeighedSet {
  /** Items that name the subject first, then one change of each kind, the rarest kinds first. */
  readonly changes: readonly ClientChange[];
  readonly earliestMs: number;
  readonly latestMs: number;
  readonly beforeMs: number;
  /** The time between a boot of the set and the alert; null if there is none, or if its time is not known. */
  readonly bootBeforeMs: number | null;
  readonly failing: Share;
  readonly others: Share;
  /** The probability over all sets, at most 1. null for sets that are not tested. */
  readonly chance: number | null;
  readonly verdict: Verdict;
  /** The days of the last month on which a restless item has changed. */
  readonly days: number;
}

/** Returns the sets of changes before an alert, the least likely by chance first, those that are not tested last. */
export function weighChanges(input: WeighInput): readonly WeighedSet[] {
  const { startMs, earlierDays, subject, awaySinceMs = null } = input;
  const isOfAbsence = (change: ClientChange): boolean => awaySinceMs !== null && isAfter(change, awaySinceMs);
  const inTime = input.changes.filter(
    (change) =>
      change.earliestAtMs <= startMs &&
      change.latestAtMs <= startMs + laterMs &&
      (change.latestAtMs > startMs - windowMs || isOfAbsence(change)),
  );
  // A new kernel says more than the boot that brought it.
  const kernels = new Set(inTime.flatMap(({ item, latestAtMs }) => (item === 'kernel' ? latestAtMs : [])));
  const before = inTime.filter(({ item, latestAtMs }) => item !== 'boot' || !kernels.has(latestAtMs));
  const kindOf = (change: ClientChange): Verdict | null => {
    if (isSymptom(change, startMs)) return 'same-time';
    if (earlierDays(change) >= restlessDays) return 'restless';
    return isOfAbsence(change) ? 'while-away' : null;
  };
  const away = before.filter((change) => kindOf(change) === 'while-away');
  const left = before.filter((change) => !['while-away', null].includes(kindOf(change)));
  const isNaming = namesSubject(subject);
  const tested = setsOf(
    before.filter((change) => kindOf(change) === null),
    input,
  ).map((set) => ({
    ...measured(set, input),
    isNaming: set.some(isNaming),
  }));
  const naming = tested.filter((set) => set.isNaming).length;
  const shareOf = (set: { readonly isNaming: boolean }): number => {
    if (naming === 0 || naming === tested.length) return 1 / tested.length;
    return set.isNaming ? namingShare / naming : (1 - namingShare) / (tested.length - naming);
  };
  const weighed = tested
    .map(({ p, isNaming: _, ...set }, index) => ({
      ...set,
      chance: Math.min(1, p / shareOf(tested[index] ?? { isNaming: false })),
    }))
    .sort((one, other) => one.chance - other.chance || other.latestMs - one.latestMs);
  const absence = { earliestMs: awaySinceMs ?? startMs, ...untested, verdict: 'while-away' as const };
  const ofAbsence = away.length === 0 ? [] : [{ ...placed(away, input), ...absence }];
  let named = ofAbsence.length;
  const judged = weighed.map((set) => {
    const verdict = verdictOf(set, named < maxNamed, input);
    if (verdict === 'named') named += 1;
    return { ...set, verdict, days: 0 };
  });
  return [
    ...ofAbsence,
    ...judged,
    ...left.map((change) => ({
      ...placed([change], input),
      ...{ chance: null, verdict: kindOf(change) ?? 'restless', days: earlierDays(change) },
    })),
  ];
}

const untested = { chance: null, days: 0 };

/** The most sets that are named. */
const maxNamed = 3;

function verdictOf(
  {
    chance,
    failing,
    others,
    latestMs,
  }: Pick<WeighedSet, 'failing' | 'others' | 'latestMs'> & {
    readonly chance: number;
  },
  mayName: boolean,
  { leastChance, startMs }: WeighInput,
): Verdict {
  if (latestMs > startMs + sameVisitMs) return 'found-later';
  // However near a change is: members that have it and do not fail speak against it.
  if (others.all > 0 && others.having * failing.all >= failing.having * others.all) return 'others-have-it';
  return chance <= leastChance && mayName ? 'named' : 'by-chance';
}

/** True if a change came after a visit: its own time says so, or another visit found it. */
function isAfter({ earliestAtMs, latestAtMs }: ClientChange, visitMs: number): boolean {
  const isOwnTime = earliestAtMs === latestAtMs;
  return latestAtMs > visitMs + (isOwnTime ? 0 : sameVisitMs);
}

/** True if a port or mount vanished at the visit that found the alert: that is what the alert reports. */
function isSymptom({ kind, newValue, latestAtMs }: ClientChange, startMs: number): boolean {
  const isGone = newValue === null && (kind === 'listener' || kind === 'mount');
  return isGone && Math.abs(latestAtMs - startMs) <= sameVisitMs;
}

/** Formats members as a key. Alerts of one client that began together have the same objects. */
const membersKey = rememberedWeakly((members: ReadonlySet<string>) => ({ text: [...members].sort().join('\0') }));

/** Puts changes into sets: the same members have them, and less than half an hour is between two. */
function setsOf(changes: readonly ClientChange[], input: WeighInput): readonly (readonly ClientChange[])[] {
  const isLate = ({ latestAtMs }: ClientChange): boolean => latestAtMs > input.startMs + sameVisitMs;
  const sameMembers = [...groupBy(changes, isLate).values()].flatMap((own) => [
    ...groupBy(own, (change) => membersKey(input.holdersOf(change)).text).values(),
  ]);
  return sameMembers.flatMap((own) => {
    const sets: ClientChange[][] = [];
    let lastMs = -Infinity;
    for (const change of [...own].sort((one, other) => one.latestAtMs - other.latestAtMs)) {
      if (change.latestAtMs - lastMs >= setGapMs) sets.push([]);
      sets.at(-1)?.push(change);
      lastMs = change.latestAtMs;
    }
    return sets;
  });
}

type Placed = Omit<WeighedSet, 'chance' | 'verdict' | 'days'>;

function placed(changes: readonly ClientChange[], input: WeighInput): Placed {
  const { client, subject, startMs, failing, group, holdersOf, earliestOf } = input;
  const naming = new Set(changes.filter(namesSubject(subject)));
  const isNaming = (change: ClientChange): boolean => naming.has(change);
  const [main] = inOrder(changes, isNaming, ({ kind }) => kindOrder.indexOf(kind));
  const sorted = inTurn(inOrder(changes, isNaming, rarity), isNaming);
  // The item whose time is known best says when the set came.
  const nearest = changes.reduce((one, other) => (other.earliestAtMs > one.earliestAtMs ? other : one));
  const holders = holdersOf(nearest);
  const known = group?.knowing(main?.kind ?? '') ?? new Set([client]);
  const members = [...known];
  const failed = members.filter((member) => failing.has(member));
  const others = members.filter((member) => !failing.has(member));
  const distances = failed.flatMap((member) => {
    if (!holders.has(member)) return [];
    const earliestMs = member === client ? nearest.earliestAtMs : earliestOf(nearest, member);
    return earliestMs === null ? [] : [Math.max(0, (failing.get(member) ?? startMs) - earliestMs)];
  });
  const having = (some: readonly string[]): Share => ({
    ...{ having: some.filter((member) => holders.has(member)).length, all: some.length },
  });
  return {
    changes: sorted,
    earliestMs: nearest.earliestAtMs,
    latestMs: greatest(changes.map(({ latestAtMs }) => latestAtMs)),
    bootBeforeMs: bootBefore(changes, input),
    beforeMs: median(distances) ?? Math.max(0, startMs - nearest.earliestAtMs),
    failing: having(failed),
    others: having(others),
  };
}

function bootBefore(changes: readonly ClientChange[], { startMs, bootedAtMs = null }: WeighInput): number | null {
  const isKnown = changes.some(
    ({ kind, item, earliestAtMs }) => kind === 'system' && bootItems.includes(item) && earliestAtMs === bootedAtMs,
  );
  return isKnown && bootedAtMs !== null ? Math.max(0, startMs - bootedAtMs) : null;
}

function measured(changes: readonly ClientChange[], input: WeighInput): Placed & { readonly p: number } {
  const set = placed(changes, input);
  const byTime = chanceWithin(Math.max(minuteMs, set.beforeMs) / hourMs, input.setsPerHour);
  return { ...set, p: input.group === null ? byTime : chanceOf(set, byTime) };
}

/**
 * Combines the chances of members and time. The client itself does not count among the members that fail: only its own
 * changes are tested, so that it has each of them, and any edit of one machine would be as rare as its group is large.
 * Where it fails alone, nobody else speaks for a change, though members that have it and do not fail speak against it.
 */
function chanceOf({ failing, others }: Pick<Placed, 'failing' | 'others'>, byTime: number): number {
  if (failing.all === 1) return Math.max(byTime, combined(fisherGreater(failing, others), byTime));
  return combined(fisherGreater({ having: failing.having - 1, all: failing.all - 1 }, others), byTime);
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? null;
}

/** The further changes of a set that are named beside the first. */
export const maxFurther = 2;

/** Returns a set as it is stored with an alert. */
export function namedChanges({ changes, ...set }: WeighedSet, group: string | null): NamedChanges {
  const [main, ...others] = changes;
  const further = others.slice(0, maxFurther).map(namedItem);
  const rest = new Set(others.slice(maxFurther).map(({ kind }) => kind));
  return {
    ...(main === undefined ? { kind: '', item: '', before: null, after: null } : namedItem(main)),
    ...(further.length === 0 ? {} : { further }),
    ...{ more: others.length, moreKind: rest.size === 1 ? ([...rest][0] ?? null) : null },
    ...{ earliestAtMs: set.earliestMs, latestAtMs: set.latestMs, beforeMs: set.beforeMs, group },
    ...(set.verdict === 'while-away' ? { away: true } : {}),
    ...(set.verdict === 'while-away' && set.bootBeforeMs !== null ? { bootBeforeMs: set.bootBeforeMs } : {}),
    failing: [set.failing.having, set.failing.all],
    others: [set.others.having, set.others.all],
    chance: set.chance ?? 1,
  };
}

function namedItem({
  kind,
  item,
  oldValue,
  newValue,
}: ClientChange): Pick<NamedChanges, 'kind' | 'item' | 'before' | 'after'> {
  return { kind, item, before: oldValue, after: newValue };
}

/** The items of the section `system` that change with a boot. */
export const bootItems: readonly string[] = ['boot', 'kernel'];

/** The kinds by which the members of a group that are known are chosen, the most telling first. */
const kindOrder = ['package', 'file', 'unit', 'system', 'account', 'mount', 'listener'];
/** The kinds in which a set is told, the rarest first: packages come by the dozen. */
const rareKinds = ['account', 'system', 'unit', 'mount', 'listener', 'file', 'package'];
/** A value of an account that may become root. */
const powerful = new RegExp(`^0 |[ ,](?:${rootGroups.join('|')})(?:,|$)`);

/** Returns the place of a change in what is told of its set. Whoever may become root comes first. */
function rarity(change: ClientChange): number {
  return givesPower(change) ? -1 : rareKinds.indexOf(change.kind);
}

/** True if a change decides who may become root. */
export function givesPower({ kind, item, newValue }: Pick<ClientChange, 'kind' | 'item' | 'newValue'>): boolean {
  return kind === 'account' ? powerful.test(newValue ?? '') : item.startsWith('/etc/sudoers');
}

/** Puts one change of each kind before the others, so that no kind hides another. */
function inTurn(sorted: readonly ClientChange[], isNaming: (change: ClientChange) => boolean): readonly ClientChange[] {
  const seen = new Set<string>();
  const isFirst = (change: ClientChange): boolean => {
    const isNew = !seen.has(change.kind);
    seen.add(change.kind);
    return isNew || isNaming(change) || rarity(change) < 0;
  };
  const [first, others]: [ClientChange[], ClientChange[]] = [[], []];
  for (const change of sorted) (isFirst(change) ? first : others).push(change);
  return [...first, ...others];
}

function inOrder(
  changes: readonly ClientChange[],
  isNaming: (change: ClientChange) => boolean,
  rankOf: (change: ClientChange) => number,
): readonly ClientChange[] {
  return changes
    .map((change) => ({ change, naming: Number(isNaming(change)), rank: rankOf(change) }))
    .sort(
      (one, other) =>
        other.naming - one.naming || one.rank - other.rank || compareText(one.change.item, other.change.item),
    )
    .map(({ change }) => change);
}

/** The shortest word of a subject that is looked for in the names of items. */
const minWord = 3;

/** Returns a function that is true for changes whose item names an alert's subject: `nginx-core`, nginx.service. */
export function namesSubject(subject: string): (change: Pick<ClientChange, 'kind' | 'item'>) => boolean {
  if (subject.startsWith('/')) return ({ item }) => item === subject || item.startsWith(`${subject}/`);
  const word = subject.toLowerCase().replace(/(?:@[^.]*)?(?:\.[a-z]+)?$/, '');
  return word.length < minWord ? () => false : ({ item }) => item.toLowerCase().includes(word);
}

/** Returns the number of sets among the times of changes, ascending, that came near an hour of day. */
export function setsNearHour(timesMs: readonly number[], startMs: number): number {
  let count = 0;
  let lastMs = -Infinity;
  for (const atMs of timesMs) {
    const apart = Math.abs(((atMs - startMs) % dayMs) + dayMs) % dayMs;
    const isNear = Math.min(apart, dayMs - apart) <= nearHours * hourMs;
    if (atMs - lastMs >= setGapMs && isNear) count += 1;
    lastMs = atMs;
  }
  return count;
}

/** The hours around an hour of day in which sets are counted, on either side. */
export const nearHours = 3;
