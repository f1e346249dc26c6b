import { greatest, groupBy } from '../../platform/group-by.ts';
import { lateAfterMs } from '../../config/clients/late-after.ts';
import { membersByGroup, neededOf } from '../../config/clients/group-needs.ts';
import type { Client, Config, GroupNeed } from '../../config/config.ts';
import { findRule, ruleMatcher } from '../../config/rules/rule-matcher.ts';
import { remembered, rememberedWeakly } from '../../platform/remembered.ts';
import type { AlertKey } from '../../about/about.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert, RuleState } from '../../storage/store/alert.ts';
import { longestGapMs } from '../transition/progress.ts';

/** A group that needs fewer members than it has, and is told when it lacks them. */
export interface NeedingGroup {
  readonly need: GroupNeed & { readonly rule: NonNullable<GroupNeed['rule']> };
  readonly members: readonly Client[];
  readonly needed: number;
}

/**
 * The members of a group at a moment. A member is lost while a critical alert of `needRules` fires for it; unknown if
 * none does and its newest report is late, or if a fault of the collector stands for that alert; else it serves.
 */
export interface GroupState {
  readonly group: NeedingGroup;
  /** The alerts of lost members, in the order of the members; at least one of each. */
  readonly lost: readonly Alert[];
  readonly lostMembers: number;
  readonly unknown: readonly string[];
  readonly serving: number;
  /** `unclear`: it depends on the unknown members whether enough serve. */
  readonly state: 'enough' | 'short' | 'unclear';
}

/** When a client reported: its newest report, and the times of two consecutive ones between which it was late. */
export interface ReportTimes {
  readonly newestMs: number | null;
  /** Default: there was no gap. */
  readonly gaps?: readonly (readonly [number, number])[] | undefined;
}

export interface GroupStatesOptions {
  readonly config: Config;
  /** Alerts that are not closed out. */
  readonly alerts: readonly Alert[];
  /** Runs that have not ended: what they changed does not count yet. */
  readonly unfinishedRuns: ReadonlySet<string>;
  /** By client. Nothing is known of a client that is missing. */
  readonly reports: ReadonlyMap<string, ReportTimes>;
  /** Returns the collector's own fault that stands for an alert, or null. */
  readonly standInFor: (alert: Alert) => Alert | null;
}

/** Who serves in the groups that need some of their members, as a function of time. */
export interface GroupStates {
  /** Groups without effect are left out: those that need all members, and those without the rule `group-short`. */
  readonly groups: readonly NeedingGroup[];
  /** The groups with an alert that says, or said, that a member does not serve. */
  readonly concerned: readonly NeedingGroup[];
  /** Returns the group in which an alert says that its client does not serve; null if there is none. */
  readonly groupOf: (key: Pick<AlertKey, 'client' | 'rule'>) => NeedingGroup | null;
  readonly at: (group: NeedingGroup, atMs: number) => GroupState;
  /** Returns now, or the newest begin or end of an alert if a collector's clock is ahead. */
  readonly presentOf: (group: NeedingGroup, nowMs: number) => number;
  /** Returns the times at which members became lost or unknown or served again, ascending. */
  readonly changesOf: (group: NeedingGroup) => readonly number[];
}

/**
 * Returns how many serve: `5 of 8`. Unknown members may serve: `at most 5 of 8` of a group that lacks members,
 * `at least 6 of 8` of one that has enough, else `3 to 7 of 8`.
 */
export function servingCount(state: GroupState): string {
  return `${servingRange(state, ' to ')} of ${state.group.members.length}`;
}

/** Returns how many members serve at most, at least, or between two bounds; the number if none is unknown. */
export function servingRange(
  { serving, unknown, state }: Pick<GroupState, 'serving' | 'unknown' | 'state'>,
  between: string,
): string {
  if (unknown.length === 0) return String(serving);
  const most = serving + unknown.length;
  return { short: `at most ${most}`, enough: `at least ${serving}`, unclear: `${serving}${between}${most}` }[state];
}

interface Span {
  readonly alert: Alert;
  readonly fromMs: number;
  /** Infinity while the alert fires. */
  readonly toMs: number;
  /** Until then a fault of the collector stands for the alert; it ends at `fromMs` if none does. */
  readonly stoodForUntilMs: number;
}

/**
 * Returns the members of the groups that an alert of `alerts` concerns: that of the group, or those of at least `least`
 * members.
 */
export function concernedMembers(
  config: Config,
  alerts: readonly Alert[],
  least: (group: NeedingGroup) => number = () => 1,
): readonly string[] {
  if (config.needs.length === 0) return [];
  const clients = new Set(alerts.map(({ client }) => client));
  const shorts = new Set(alerts.flatMap((alert) => (kindOf(alert).carriesOthers ? alert.subject : [])));
  return needingGroups(config)
    .filter((group) => {
      const { need, members } = group;
      return shorts.has(need.name) || members.filter(({ name }) => clients.has(name)).length >= least(group);
    })
    .flatMap(({ members }) => members.map(({ name }) => name));
}

/** Returns the least number of lost members that a group lacks. */
export function leastShort({ members, needed }: NeedingGroup): number {
  return members.length - needed + 1;
}

/**
 * Returns when clients reported, from the alerter's memory of them. `newest` has the newest stored reports by client,
 * which no pass may have evaluated yet; without it the memory alone counts.
 */
export function reportTimes(
  memories: ReadonlyMap<string, RuleState>,
  newest: ReadonlyMap<string, number | null> = new Map(),
): ReadonlyMap<string, ReportTimes> {
  const names = new Set([...memories.keys(), ...newest.keys()]);
  return new Map(
    [...names].map((name) => {
      const { newestReportMs = null, gaps } = memories.get(name) ?? {};
      const known = [newestReportMs, newest.get(name) ?? null].filter((atMs) => atMs !== null);
      return [name, { newestMs: known.length === 0 ? null : greatest(known), gaps }];
    }),
  );
}

function finiteTimes({ fromMs, toMs }: Span): readonly number[] {
  return [fromMs, toMs].filter(Number.isFinite);
}

/** Returns the groups of config.xml that have an effect. */
export const needingGroups = rememberedWeakly((config: Pick<Config, 'needs' | 'clients'>): readonly NeedingGroup[] => {
  const members = membersByGroup(config);
  return config.needs.flatMap((need) => {
    const own = members.get(need.name) ?? [];
    const needed = neededOf(need, own.length);
    const { rule } = need;
    return rule === null || needed >= own.length ? [] : [{ need: { ...need, rule }, members: own, needed }];
  });
});

/** Returns the members of these groups by name, each with its group. */
const membersOf = rememberedWeakly(
  (groups: readonly NeedingGroup[]): ReadonlyMap<string, { readonly group: NeedingGroup; readonly member: Client }> =>
    new Map(groups.flatMap((group) => group.members.map((member) => [member.name, { group, member }]))),
);

export function openGroupStates(options: GroupStatesOptions): GroupStates {
  const { config, alerts, reports } = options;
  const groups = needingGroups(config);
  const ofMember = membersOf(groups);
  const isMeant = remembered(({ need }: NeedingGroup) => ruleMatcher(need.rules.join(',')));
  const groupOf: GroupStates['groupOf'] = ({ client, rule: name }) => {
    const found = ofMember.get(client);
    const rule = found === undefined ? null : findRule(found.member.rules, name);
    return found !== undefined && rule !== null && isMeant(found.group)(rule) ? found.group : null;
  };
  const spans = groupBy(
    groups.length === 0
      ? []
      : alerts.flatMap((alert) => (groupOf(alert) === null ? [] : (spanOf(alert, options) ?? []))),
    ({ alert }) => ofMember.get(alert.client)?.group,
  );
  const lateOf = (member: Client): number => lateAfterMs(member, config.collector.everyMs);
  const isLate = (member: Client, atMs: number): boolean => {
    const { newestMs = null, gaps = [] } = reports.get(member.name) ?? {};
    if (newestMs === null || atMs >= newestMs) return newestMs === null || atMs - newestMs > lateOf(member);
    return gaps.some(([lastMs, nextMs]) => lastMs + lateOf(member) < atMs && atMs < nextMs);
  };
  return {
    groups,
    concerned: groups.filter((group) => spans.has(group)),
    groupOf,
    at: (group, atMs) => {
      const now = (spans.get(group) ?? []).filter(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
      const own = groupBy(now, ({ alert }) => alert.client);
      const isLost = (span: Span): boolean => span.stoodForUntilMs <= atMs;
      const lost = group.members.map(({ name }) => (own.get(name) ?? []).filter(isLost).map(({ alert }) => alert));
      const lostMembers = lost.filter(({ length }) => length > 0).length;
      const unknown = group.members
        .filter((member, index) => lost[index]?.length === 0 && (own.has(member.name) || isLate(member, atMs)))
        .map(({ name }) => name);
      const serving = group.members.length - lostMembers - unknown.length;
      const isShort = lostMembers >= leastShort(group);
      const state = isShort ? 'short' : serving >= group.needed ? 'enough' : 'unclear';
      return { group, lost: lost.flat(), lostMembers, unknown, serving, state };
    },
    presentOf: (group, nowMs) => greatest([nowMs, ...(spans.get(group) ?? []).flatMap(finiteTimes)]),
    changesOf: (group) => {
      const ofAlerts = (spans.get(group) ?? []).flatMap(({ fromMs, toMs, stoodForUntilMs }) => [
        ...[fromMs, stoodForUntilMs, toMs],
      ]);
      const ofReports = group.members.flatMap((member) => {
        const { newestMs = null, gaps = [] } = reports.get(member.name) ?? {};
        const lateMs = lateOf(member) + 1;
        return [
          ...(newestMs === null ? [] : [newestMs + lateMs]),
          ...gaps.flatMap(([last, next]) => [last + lateMs, next]),
        ];
      });
      const times = [...ofAlerts, ...ofReports].filter(Number.isFinite);
      return [...new Set(times)].sort((one, other) => one - other);
    },
  };
}

/**
 * Returns the time for which an alert was critical, as its newest change of severity says it; null if it never was.
 * What a run under way has changed does not count yet: its other visits may explain it.
 */
function spanOf(alert: Alert, { config, unfinishedRuns, standInFor }: GroupStatesOptions): Span | null {
  const { firingSinceMs, resolvedAtMs, severity, changedByRun, sequence, progress } = alert;
  if (firingSinceMs === null) return null;
  const { severitySinceMs } = progress;
  const isAwaited = changedByRun !== null && unfinishedRuns.has(changedByRun);
  const isCritical = severity === 'critical';
  if (!isCritical && severitySinceMs === undefined) return null;
  const fromMs = isCritical ? (severitySinceMs ?? firingSinceMs) : firingSinceMs;
  if (alert.state === 'firing' && isCritical && isAwaited && (sequence === 1 || severitySinceMs !== undefined))
    return null;
  const endMs = isAwaited && alert.state === 'resolved' ? Infinity : (resolvedAtMs ?? Infinity);
  const standIn = standInFor(alert);
  return {
    alert,
    fromMs,
    toMs: isCritical ? endMs : Math.min(endMs, severitySinceMs ?? endMs),
    stoodForUntilMs: standIn === null ? fromMs : stoodForUntil(alert, standIn, longestGapMs(config.collector.everyMs)),
  };
}

/**
 * Returns the time until which a fault of the collector stands for an alert. An alert that ends with the fault, in the
 * runs that confirm it, was never the client's own.
 */
function stoodForUntil(alert: Alert, { resolvedAtMs: endMs }: Alert, graceMs: number): number {
  if (endMs === null) return Infinity;
  const newestMs = alert.state === 'resolved' ? (alert.resolvedAtMs ?? endMs) : alert.progress.lastAtMs;
  const endsWithIt = alert.state === 'resolved' || alert.progress.clearing > 0;
  return endsWithIt && newestMs <= endMs + graceMs ? Infinity : endMs;
}
