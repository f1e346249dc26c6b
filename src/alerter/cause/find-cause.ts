import { greatest, groupBy } from '../../platform/group-by.ts';
import { parentsOf } from '../../config/clients/parents.ts';
import type { Client, Config } from '../../config/config.ts';
import { remembered } from '../../platform/remembered.ts';
import { dayMs, hourMs } from '../../platform/units.ts';
import type { Alert, Cause } from '../../storage/store/alert.ts';
import type {
  CauseStore,
  ClientChange,
  KnownSection,
  OtherChange,
  UptimeRow,
} from '../../storage/store/digest-store.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { longestGapMs } from '../transition/progress.ts';
import { chanceWithin } from './chances.ts';
import {
  bootItems,
  laterMs,
  namedChanges,
  nearHours,
  restlessDays,
  sameVisitMs,
  setsNearHour,
  weighChanges,
  type WeighedSet,
  type WeighInput,
  windowMs,
} from './weigh-changes.ts';

/** The least number of members with a known state that are compared. */
const fewestMembers = 5;
/** The most changes of a client that are tested, and the most pairs of change and member. */
const maxChanges = 1000;
const maxPairs = 500_000;
/** The most members whose usual number of changes is read. */
const maxMeasured = 200;
const historyMs = 30 * dayMs;
/** The age beyond which a member's state is no longer known. A state is read once a day. */
const staleMs = 26 * hourMs;

export interface CauseOptions {
  readonly config: Config;
  readonly causes: CauseStore;
  /** The open alerts of the fleet. */
  readonly alerts: readonly Alert[];
  /** Runs of the last day at least. */
  readonly runs: readonly RunFact[];
  readonly nowMs: number;
}

/** The changes before an alert, and the cause that is stored with it. */
export interface FoundCause {
  /** All sets of a day in the order of the test; those that are not tested last. */
  readonly sets: readonly WeighedSet[];
  /** The compared group; null if there is none. */
  readonly group: string | null;
  readonly cause: Cause;
  /** The sections of the client's state: empty if none is known. */
  readonly sections: readonly KnownSection[];
}

/**
 * Returns a function that finds what changed before an alert of a client. Alerts of one group share what is read of the
 * group. Alerts of one client that began together share all that is read, if they follow one another.
 */
export function openCauses(options: CauseOptions): (alert: Alert) => Promise<FoundCause> {
  const { config, nowMs, runs } = options;
  const leastChance = config.alerts.causeChance ?? 0;
  const groups = openGroups(options);
  // The newest alone: members of a large group with a thousand changes take megabytes.
  let newest: { readonly key: string; readonly history: Promise<History> } | null = null;
  const historyOf = (alert: Alert, group: Group): Promise<History> => {
    const key = [alert.client, alert.pendingSinceMs, group.name ?? ''].join('\0');
    if (newest?.key !== key) newest = { key, history: readHistory(options, alert, group) };
    return newest.history;
  };
  return async (alert) => {
    const startMs = alert.pendingSinceMs;
    const failing = failingLike(alert, options.alerts);
    const group = await groups.groupOf(alert.client, failing);
    const sections = group.sections.filter(({ client }) => client === alert.client);
    const history = await historyOf(alert, group);
    const sets = weighChanges({ ...weighInput(history, alert, failing), leastChance });
    const isNamed = ({ verdict }: WeighedSet): boolean =>
      verdict === 'named' || (verdict === 'while-away' && leastChance > 0);
    const named = sets.filter(isNamed);
    const configBeforeMs = configChange(runs, startMs, leastChance);
    return {
      ...{ sets, group: group.name, sections },
      cause: {
        atMs: nowMs,
        changes: named.map((set) => namedChanges(set, group.name)),
        allOf: group.name === null ? null : groups.commonOf(group.name, failing),
        configBeforeMs,
      },
    };
  };
}

/** Returns the clients with an open alert of the same rule and subject, and the first bad row of each. */
function failingLike(alert: Alert, alerts: readonly Alert[]): ReadonlyMap<string, number> {
  const { client, rule, subject, pendingSinceMs } = alert;
  const same = alerts.filter((one) => one.rule === rule && one.subject === subject && one.state !== 'resolved');
  return new Map([...same.map((one) => [one.client, one.pendingSinceMs] as const), [client, pendingSinceMs]]);
}

/** A group of config.xml whose members are compared; `name` is null for a client without such a group. */
interface Group {
  readonly name: string | null;
  readonly members: readonly string[];
  readonly sections: readonly KnownSection[];
  /** The times of changes by member, at most `maxMeasured` members. */
  readonly times: () => Promise<ReadonlyMap<string, readonly number[]>>;
}

function openGroups({ config, causes, nowMs }: CauseOptions) {
  const clients = new Map(config.clients.map((client) => [client.name, client]));
  const membersOf = (name: string): readonly Client[] =>
    config.clients.filter(({ groups, state }) => state === 'active' && groups.includes(name));
  const read = async (name: string | null, members: readonly string[]): Promise<Group> => {
    const all = await causes.sections(members);
    const known = new Set(all.flatMap(({ client, observedAtMs }) => (observedAtMs === null ? [] : client)));
    const span = { afterMs: nowMs - historyMs - windowMs, untilMs: nowMs };
    const times = remembered((_: null) => causes.changeTimes([...known].slice(0, maxMeasured), span, restlessDays));
    return { name, members: [...known], sections: all, times: () => times(null) };
  };
  const group = remembered((name: string) =>
    read(
      name,
      membersOf(name).map((client) => client.name),
    ),
  );
  const alone = remembered((name: string) => read(null, [name]));
  const parents = parentsOf(config);
  const traitsOf = ({ name, groups, labels }: Client): readonly string[] => [
    ...groups.map((own) => `group ${own}`),
    ...parents.of(name).map((parent) => `${parent.isBastion ? 'bastion ' : ''}${parent.name}`),
    ...Object.entries(labels).map(([label, value]) => `${label}=${value}`),
  ];
  return {
    /** Returns the innermost group with five known members. Prefers one whose members do not all fail. */
    groupOf: async (name: string, failing: ReadonlyMap<string, number>): Promise<Group> => {
      let first: Group | null = null;
      for (const own of [...(clients.get(name)?.groups ?? [])].reverse()) {
        const found = await group(own);
        if (found.members.length < fewestMembers) continue;
        if (!found.members.every((member) => failing.has(member))) return found;
        first ??= found;
      }
      return first ?? (await alone(name));
    },
    /** Returns what all failing members of a group have in common, and no other member has; null if nothing. */
    commonOf: (name: string, failing: ReadonlyMap<string, number>): string | null => {
      const members = membersOf(name);
      const failed = members.filter((member) => failing.has(member.name));
      const [first] = failed;
      if (first === undefined || failed.length < 2 || failed.length === members.length) return null;
      const isCommon = (trait: string): boolean =>
        members.every((member) => traitsOf(member).includes(trait) === failing.has(member.name));
      return traitsOf(first).find(isCommon) ?? null;
    },
  };
}

interface HistoryOptions {
  readonly causes: CauseStore;
  readonly client: string;
  /** The time of the first bad row. */
  readonly startMs: number;
  readonly group: Group;
}

/** The changes of a client before an alert, and what the members of its group say of them. */
interface History
  extends
    Holders,
    Pick<Required<WeighInput>, 'changes' | 'awaySinceMs' | 'bootedAtMs' | 'group' | 'setsPerHour' | 'earlierDays'> {}

async function readHistory(
  { config, causes }: CauseOptions,
  { client, pendingSinceMs: startMs }: Alert,
  group: Group,
): Promise<History> {
  const options = { causes, client, startMs, group };
  const { awaySinceMs, bootedAtMs } = reportsBefore(await causes.rowsUntil(client, startMs, 2), startMs, config);
  const afterMs = Math.min(startMs - windowMs, awaySinceMs ?? Infinity);
  const most = Math.min(maxChanges, Math.ceil(maxPairs / Math.max(1, group.members.length)));
  const read = await causes.changesOf(client, { afterMs, untilMs: startMs + laterMs }, most);
  const changes = read.map((change) => atBoot(change, bootedAtMs));
  const compared =
    group.name === null ? null : { name: group.name, knowing: remembered((kind: string) => knowing(kind, options)) };
  if (changes.length === 0) {
    const nobody = { holdersOf: () => new Set<string>(), alikeOf: () => [], earlierDays: () => 0 };
    return { changes, awaySinceMs, bootedAtMs, ...nobody, group: compared, setsPerHour: 1 };
  }
  const items = [...new Set(changes.map(({ itemId }) => itemId))];
  const month = { afterMs: startMs - historyMs, untilMs: startMs };
  const times = await causes.itemTimes(client, items, month);
  const dayOf = (atMs: number): number => Math.floor(atMs / dayMs);
  return {
    ...{ changes, awaySinceMs, bootedAtMs },
    ...(await readHolders(options, changes, items)),
    group: compared,
    setsPerHour: await setsPerHour(options),
    earlierDays: remembered(
      ({ itemId, latestAtMs }) =>
        new Set((times.get(itemId) ?? []).map(dayOf).filter((day) => day < dayOf(latestAtMs))).size,
    ),
  };
}

/** Returns when the absence began that an alert directly follows, and the last boot, as two reports say. */
function reportsBefore(
  [row, before]: readonly UptimeRow[],
  startMs: number,
  { collector }: Config,
): Pick<History, 'awaySinceMs' | 'bootedAtMs'> {
  const isOfRow = row !== undefined && startMs - row.atMs < sameVisitMs;
  const wasAway = isOfRow && before !== undefined && startMs - before.atMs > longestGapMs(collector.everyMs);
  return {
    awaySinceMs: wasAway ? before.atMs : null,
    bootedAtMs: row === undefined || row.uptimeMs === null ? null : row.atMs - row.uptimeMs,
  };
}

function weighInput(
  { alikeOf, ...history }: History,
  { client, subject, pendingSinceMs: startMs }: Alert,
  failing: ReadonlyMap<string, number>,
): Omit<WeighInput, 'leastChance'> {
  return {
    ...history,
    ...{ client, subject, startMs, failing },
    earliestOf: (change, member) => {
      const lastMs = failing.get(member) ?? startMs;
      const times = alikeOf(change).flatMap(({ client: whose, earliestAtMs }) =>
        whose === member && earliestAtMs <= lastMs ? earliestAtMs : [],
      );
      return times.length === 0 ? null : greatest(times);
    },
  };
}

/** Returns a boot, or the kernel that it brought, with its time, if the uptime of the first bad row says so. */
function atBoot(change: ClientChange, bootedAtMs: number | null): ClientChange {
  const isBoot = change.kind === 'system' && bootItems.includes(change.item);
  const isWithin = bootedAtMs !== null && bootedAtMs > change.earliestAtMs && bootedAtMs <= change.latestAtMs;
  return isBoot && isWithin ? { ...change, earliestAtMs: bootedAtMs } : change;
}

/** Returns the members whose section of a kind was read within a day of the alert. */
function knowing(kind: string, { client, startMs, group }: HistoryOptions): ReadonlySet<string> {
  const known = group.sections.flatMap((one) => {
    const isFresh = one.observedAtMs !== null && one.observedAtMs >= startMs - staleMs && one.error === null;
    return one.kind === kind && isFresh ? one.client : [];
  });
  return new Set([...known, client]);
}

interface Holders {
  /** The members that have the item as the change left it: one object for each change. */
  readonly holdersOf: (change: ClientChange) => ReadonlySet<string>;
  /** The changes of other members that equal a change. */
  readonly alikeOf: (change: ClientChange) => readonly OtherChange[];
}

/** Reads which members have the items of changes as the changes left them, and since when. */
async function readHolders(
  { causes, client, startMs, group }: HistoryOptions,
  changes: readonly ClientChange[],
  items: readonly number[],
): Promise<Holders> {
  const others = group.members.filter((member) => member !== client);
  const span = { afterMs: startMs - windowMs, untilMs: startMs + windowMs };
  const values = [...new Set(changes.flatMap(({ afterId }) => afterId ?? []))];
  const gone = [...new Set(changes.flatMap(({ afterId, itemId }) => (afterId === null ? itemId : [])))];
  const holders = await causes.holders(values, others);
  const stillHaving = await causes.itemHolders(gone, others);
  const own = groupBy(await causes.changesOfItems(items, others, span), ({ itemId }) => itemId);
  const isShared = (change: ClientChange): boolean =>
    !isOfOneMachine(change) || (holders.get(change.afterId ?? NaN)?.size ?? 0) > 0;
  const alikeOf = (change: ClientChange): readonly OtherChange[] =>
    (own.get(change.itemId) ?? []).filter(({ afterId }) => afterId === change.afterId || !isShared(change));
  const holdersOf = remembered((change: ClientChange): ReadonlySet<string> => {
    const having = stillHaving.get(change.itemId);
    const same =
      change.afterId === null
        ? others.filter((member) => having?.has(member) !== true)
        : (holders.get(change.afterId) ?? []);
    return new Set([client, ...same, ...alikeOf(change).map((one) => one.client)]);
  });
  return { holdersOf, alikeOf: remembered(alikeOf) };
}

/**
 * True if the value of an item differs from machine to machine: a boot id, or the digest of a file that names its
 * machine. If nobody else has such a value, everybody who changed the item has it.
 */
function isOfOneMachine({ kind, item }: ClientChange): boolean {
  return kind === 'file' || kind === 'unit' || (kind === 'system' && item === 'boot');
}

/** Returns how often sets of changes come at this time of day: of the client, or of a member, whichever is more. */
async function setsPerHour({ causes, client, startMs, group }: HistoryOptions): Promise<number> {
  const untilMs = startMs - windowMs;
  const firstMs = (await causes.firstLook(client)) ?? untilMs;
  const days = Math.min(historyMs, Math.max(dayMs, untilMs - firstMs)) / dayMs;
  const times = await group.times();
  const own = times.has(client)
    ? times
    : await causes.changeTimes([client], { afterMs: untilMs - historyMs, untilMs }, restlessDays);
  const setsOf = (timesMs: readonly number[] = []): number =>
    setsNearHour(
      timesMs.filter((atMs) => atMs > untilMs - historyMs && atMs <= untilMs),
      startMs,
    );
  const sum = [...times.values()].reduce((count, one) => count + setsOf(one), 0);
  const measuredMembers = Math.max(1, Math.min(maxMeasured, group.members.length));
  return Math.max(1, setsOf(own.get(client)), sum / measuredMembers) / (days * 2 * nearHours);
}

/**
 * Returns the time between the last change of config.xml and an alert; null if a change falls so near by chance more
 * often than `leastChance`. A change is later than the last run with the former config.xml.
 */
function configChange(runs: readonly RunFact[], startMs: number, leastChance: number): number | null {
  const changes = [...groupBy(runs, ({ program, collectorId }) => `${program} ${collectorId}`).values()].flatMap(
    (own) => {
      const inTime = own
        .filter(({ startedAtMs, configDigest }) => startedAtMs <= startMs + sameVisitMs && configDigest !== '')
        .sort((one, other) => one.startedAtMs - other.startedAtMs);
      return inTime.flatMap(({ configDigest }, index) => {
        const before = inTime[index - 1];
        return before === undefined || before.configDigest === configDigest ? [] : before.startedAtMs;
      });
    },
  );
  const recent = changes.filter((atMs) => atMs > startMs - windowMs && atMs <= startMs);
  if (recent.length === 0) return null;
  const beforeMs = startMs - greatest(recent);
  const versions = new Set(runs.map(({ configDigest }) => configDigest)).size;
  return chanceWithin(beforeMs / hourMs, Math.max(1, versions - 1) / (windowMs / hourMs)) <= leastChance
    ? beforeMs
    : null;
}
