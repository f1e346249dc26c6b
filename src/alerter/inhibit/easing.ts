import type { Severity } from '../../config/config.ts';
import { remembered } from '../../platform/remembered.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { DispatchInput } from './dispatch-input.ts';
import { openGroupStates, servingCount, type GroupState, type GroupStates, type NeedingGroup } from './group-states.ts';
import { createStandIns } from './stand-ins.ts';

/** The effect of a group that needs some of its members on an alert of one of them. */
export type Standing =
  /** Enough serve, or did when it was last known: the alert is told as a warning. */
  | {
      readonly kind: 'eased';
      readonly state: GroupState;
      /** True if the state was that of an earlier time. Default: it is that of now. */
      readonly isPast?: true;
    }
  /** The group lacks members; its alert says so. */
  | { readonly kind: 'short'; readonly state: GroupState; readonly short: Alert }
  /** It is not known whether enough serve, or they did not for the whole time of an ended alert. */
  | { readonly kind: 'unclear'; readonly state: GroupState };

export interface Easing {
  readonly groups: GroupStates;
  /** Returns null for an alert that is not critical, or that says nothing about a group that needs members. */
  readonly standingOf: (alert: Alert) => Standing | null;
  /** Returns the severity at which an alert is told: a warning if it is eased. */
  readonly toldSeverity: (alert: Alert) => Severity;
  /** Returns the open alert of the group of an alert, if the group lacks members; null if it does not. */
  readonly shortFor: (alert: Alert) => Alert | null;
  /** Returns the alerts of a group that fired within a time, as far as they are not closed out. */
  readonly shortsWithin: (group: NeedingGroup, fromMs: number, toMs: number) => readonly Alert[];
}

interface EasingOptions {
  readonly groups: GroupStates;
  /** Alerts that are not closed out. */
  readonly alerts: readonly Alert[];
  /** Ids of alerts that somebody was told of as a warning. Default: none. */
  readonly toldAsWarnings?: ReadonlySet<number>;
  readonly nowMs: number;
}

/**
 * Decides which alerts are eased. While it is unclear whether enough serve, nothing begins to be eased: an alert stays
 * as it was when it was last clear.
 */
export function openEasing({ groups, alerts, toldAsWarnings, nowMs }: EasingOptions): Easing {
  const shorts = alerts.filter((alert) => kindOf(alert).carriesOthers && alert.state !== 'pending');
  const shortsWithin: Easing['shortsWithin'] = ({ need }, fromMs, toMs) =>
    shorts.filter(
      ({ subject, firingSinceMs, resolvedAtMs }) =>
        subject === need.name && (firingSinceMs ?? Infinity) <= toMs && (resolvedAtMs ?? Infinity) > fromMs,
    );
  const openShort = new Map(shorts.flatMap((one) => (one.state === 'firing' ? [[one.subject, one] as const] : [])));
  const stateNow = remembered((group: NeedingGroup) => groups.at(group, groups.presentOf(group, nowMs)));
  const changesOf = remembered(groups.changesOf);

  const wasEnoughSince = (group: NeedingGroup, sinceMs: number): GroupState | null =>
    changesOf(group)
      .filter((atMs) => atMs > sinceMs && atMs <= groups.presentOf(group, nowMs))
      .map((atMs) => groups.at(group, atMs - 1))
      .findLast(({ state }) => state !== 'unclear') ?? null;
  const wasWithout = (
    group: NeedingGroup,
    fromMs: number,
    toMs: number,
    states: readonly GroupState['state'][],
  ): boolean =>
    shortsWithin(group, fromMs, toMs).length === 0 &&
    [fromMs, ...changesOf(group).filter((atMs) => atMs > fromMs && atMs < toMs)].every(
      (atMs) => !states.includes(groups.at(group, atMs).state),
    );

  const standingOf = (alert: Alert): Standing | null => {
    const group = alert.severity === 'critical' && alert.state !== 'pending' ? groups.groupOf(alert) : null;
    if (group === null) return null;
    const beganMs = alert.progress.severitySinceMs ?? alert.firingSinceMs ?? alert.pendingSinceMs;
    if (alert.state === 'resolved') {
      const endMs = alert.resolvedAtMs ?? nowMs;
      const state = groups.at(group, beganMs);
      // An alert that was told as a warning stays one while it is unclear whether enough serve.
      const isTold = state.state === 'enough' && toldAsWarnings?.has(alert.id ?? NaN) === true;
      const isEased = wasWithout(group, beganMs, endMs, isTold ? ['short'] : ['short', 'unclear']);
      return isEased ? { kind: 'eased', state, isPast: true } : { kind: 'unclear', state };
    }
    const state = stateNow(group);
    const short = openShort.get(group.need.name);
    if (short !== undefined) return { kind: 'short', state, short };
    if (state.state === 'enough') return { kind: 'eased', state };
    const before = state.state === 'unclear' ? wasEnoughSince(group, beganMs) : null;
    return before?.state === 'enough' ? { kind: 'eased', state: before, isPast: true } : { kind: 'unclear', state };
  };
  const standing = remembered(standingOf);
  return {
    groups,
    standingOf: standing,
    toldSeverity: (alert) => (standing(alert)?.kind === 'eased' ? 'warning' : alert.severity),
    shortFor: (alert) => {
      const group = openShort.size === 0 ? null : groups.groupOf(alert);
      return group === null ? null : (openShort.get(group.need.name) ?? null);
    },
    shortsWithin,
  };
}

/** Opens the easing of a pass. */
export function easingOf(input: DispatchInput): Easing {
  const { config, alerts, notified, unfinishedRuns, reports = new Map<string, never>(), nowMs } = input;
  const toldAsWarnings = new Set(notified.flatMap(({ alertId, severity }) => (severity === 'warning' ? alertId : [])));
  const standInFor = createStandIns(input);
  const groups = openGroupStates({ config, alerts, unfinishedRuns, reports, standInFor });
  return openEasing({ groups, alerts, toldAsWarnings, nowMs });
}

/**
 * Returns why an alert is eased: `critical, but 7 of 8 of web serve and 6 are needed`, or `served when that was last
 * known`.
 */
export function easedWords({ state, isPast }: Pick<Extract<Standing, { kind: 'eased' }>, 'state' | 'isPast'>): string {
  const { need, needed } = state.group;
  const are = needed === 1 ? 'is' : 'are';
  const serve = isPast === true ? 'served when that was last known' : 'serve';
  return `critical, but ${servingCount(state)} of ${need.name} ${serve} and ${needed} ${are} needed`;
}
