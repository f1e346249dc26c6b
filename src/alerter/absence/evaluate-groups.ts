import { append, groupBy } from '../../platform/group-by.ts';
import { parentsOf } from '../../config/clients/parents.ts';
import { keyOfGroup, kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { alertLabel } from '../../about/alert-label.ts';
import { namedUpTo } from '../../text/numbers.ts';
import {
  openGroupStates,
  servingCount,
  type GroupState,
  type GroupStates,
  type NeedingGroup,
} from '../inhibit/group-states.ts';
import { openLostParents } from '../inhibit/lost-parents.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import { notAcknowledged } from '../transition/step-alert.ts';
import { roundsFor } from './cycles.ts';
import { fleetAlert, type FinishedRunFact, type FleetFacts } from './fleet-facts.ts';
import { createStandIns } from '../inhibit/stand-ins.ts';

/** The number of full runs in which enough have to serve until the alert of a group ends. */
const runsToRecover = 2;
/** The most names of members in the text of an alert. */
const maxNames = 10;

/** Everything that the alerts of one group follow from. */
interface Following {
  readonly group: NeedingGroup;
  readonly states: GroupStates;
  /** The finished full runs of the collectors that visit the members, oldest first. */
  readonly runs: readonly FinishedRunFact[];
  readonly words: GroupWords;
  /** The time since which the group has its members and its need: nothing begins before it. */
  readonly sinceMs: number;
  /** See GroupStates.presentOf. */
  readonly nowMs: number;
}

/**
 * Begins an alert for each group of `<group need>` in which too few members serve, and ends it once enough have served
 * in two full runs. Follows the begins and ends of the members' alerts in their order, so that a pass after a night
 * finds what passes in the night would have found. `alerts` are those that are not closed out, after all other
 * conditions. Returns new and changed alerts, among them members' alerts whose acknowledgement ended with the begin.
 */
export function evaluateGroups(facts: FleetFacts, alerts: readonly Alert[]): readonly Alert[] {
  const { config, runs, unfinishedRuns = new Set<string>(), reports = new Map<string, never>(), nowMs } = facts;
  const collectorOfRun = new Map(runs.map(({ id, collectorId }) => [id, collectorId]));
  const standInFor = createStandIns({ alerts, collectorOfRun });
  const states = openGroupStates({ config, alerts, unfinishedRuns, reports, standInFor });
  if (states.groups.length === 0) return [];
  const roundsOf = roundsFor(facts);
  const words = groupWords(facts, alerts);
  const stored = groupBy(
    alerts.filter((alert) => kindOf(alert).carriesOthers),
    ({ subject }) => subject,
  );
  const concerned = new Set(states.concerned);
  return states.groups.flatMap((group) => {
    const own = stored.get(group.need.name) ?? [];
    if (own.length === 0 && !concerned.has(group)) return [];
    const ofMembers = group.members.flatMap((member) => roundsOf(member).flat());
    const visiting = [...new Map(ofMembers.map((run) => [run.id, run])).values()];
    visiting.sort((one, other) => one.finishedAtMs - other.finishedAtMs);
    const sinceMs = facts.groupsSinceMs?.get(group.need.name) ?? -Infinity;
    return followGroup({ group, states, runs: visiting, words, sinceMs, nowMs: states.presentOf(group, nowMs) }, own);
  });
}

function followGroup(following: Following, stored: readonly Alert[]): readonly Alert[] {
  const open = stored.find(({ state }) => state === 'firing') ?? null;
  const followed = open === null ? null : follow(following, open);
  const changed: Alert[] = followed === null || followed === open ? [] : [followed];
  const known = stored.map((alert) => (alert === open && followed !== null ? followed : alert));
  let last = followed;
  while (last === null || last.state === 'resolved') {
    const begun = beginAfter(following, Math.max(following.sinceMs, last?.resolvedAtMs ?? -Infinity), known);
    if (begun === null) break;
    last = follow(following, begun.alert);
    append(changed, [last, ...(last.state === 'firing' ? endedAcknowledgements(begun.state) : [])]);
  }
  return changed;
}

/**
 * Returns the first alert that begins at or after a time and within none of the stored ones; null if there is none. Too
 * few have to serve at the end of the run as well: it may reach one member again after it has missed another.
 */
function beginAfter(
  { group, states, runs, words, nowMs }: Following,
  sinceMs: number,
  stored: readonly Alert[],
): { readonly alert: Alert; readonly state: GroupState } | null {
  const isStored = (atMs: number): boolean =>
    stored.some(
      ({ firingSinceMs, resolvedAtMs }) => (firingSinceMs ?? Infinity) <= atMs && atMs < (resolvedAtMs ?? Infinity),
    );
  // A stored alert may have ended because config.xml did not watch the group for a while.
  const ends = stored.flatMap(({ resolvedAtMs }) => resolvedAtMs ?? []);
  const times = [...states.changesOf(group), ...ends, sinceMs]
    .filter(Number.isFinite)
    .sort((one, other) => one - other);
  for (const atMs of times) {
    if (atMs < sinceMs || atMs > nowMs || isStored(atMs)) continue;
    if (states.at(group, atMs).state !== 'short') continue;
    const run = runs.find(({ startedAtMs, finishedAtMs }) => startedAtMs <= atMs && atMs <= finishedAtMs);
    const state = states.at(group, run?.finishedAtMs ?? atMs);
    if (state.state !== 'short') continue;
    const [newest] = [...state.lost].sort((one, other) => (other.firingSinceMs ?? 0) - (one.firingSinceMs ?? 0));
    const alert = fleetAlert(group.need.rule, {
      ...keyOfGroup(group.need.name),
      valueText: words.ofShort(state),
      firstEvidence: newest?.firstEvidence ?? '',
      changedByRun: newest?.changedByRun ?? null,
      pendingSinceMs: atMs,
      firingSinceMs: atMs,
    });
    return { alert, state };
  }
  return null;
}

/**
 * Moves an open alert to now, or to its end. Its severity follows the rule. Returns the alert itself if nothing has
 * changed.
 */
function follow(following: Following, open: Alert): Alert {
  const { group, states, runs, words, nowMs } = following;
  let { clearing, lastAtMs } = open.progress;
  let end: FinishedRunFact | null = null;
  for (const run of runs) {
    if (run.finishedAtMs <= lastAtMs || run.finishedAtMs > nowMs) continue;
    clearing = states.at(group, run.finishedAtMs).state === 'enough' ? clearing + 1 : 0;
    lastAtMs = run.finishedAtMs;
    if (clearing < runsToRecover) continue;
    end = run;
    break;
  }
  const worst = worsened(following, open, end?.finishedAtMs ?? nowMs);
  const seen =
    lastAtMs === open.progress.lastAtMs ? worst : { ...worst, progress: { ...worst.progress, clearing, lastAtMs } };
  const state = states.at(group, end?.finishedAtMs ?? nowMs);
  const isTold = open.id !== null;
  const worstState = end === null || isTold ? null : worstBetween(following, open, end.finishedAtMs);
  const valueText = state.state === 'enough' ? words.ofEnd(state, worstState) : words.ofShort(state);
  if (end !== null) return { ...closeAlert(seen, 'recovered', { atMs: end.finishedAtMs, runId: end.id }), valueText };
  const { severity } = group.need.rule;
  return valueText === seen.valueText && severity === seen.severity ? seen : { ...seen, valueText, severity };
}

/** Returns the state with the fewest members that may have served while an alert of a group fired. */
function worstBetween({ group, states }: Following, { pendingSinceMs }: Alert, endMs: number): GroupState {
  const times = states.changesOf(group).filter((atMs) => atMs > pendingSinceMs && atMs < endMs);
  const most = ({ serving, unknown }: GroupState): number => serving + unknown.length;
  return [pendingSinceMs, ...times]
    .map((atMs) => states.at(group, atMs))
    .reduce((worst, one) => (most(one) < most(worst) ? one : worst));
}

/** Makes an alert worse, once, if no member served any more at a time until `untilMs`. */
function worsened({ group, states }: Following, open: Alert, untilMs: number): Alert {
  const beganMs = open.firingSinceMs ?? open.pendingSinceMs;
  if (open.sequence > 1) return open;
  for (const atMs of states.changesOf(group)) {
    if (atMs < beganMs || atMs > untilMs) continue;
    const { lost, lostMembers } = states.at(group, atMs);
    if (lostMembers < group.members.length) continue;
    const changedByRun = lost.find(({ firingSinceMs }) => firingSinceMs === atMs)?.changedByRun ?? null;
    const news = atMs === beganMs ? {} : { ...notAcknowledged, changedByRun };
    return { ...open, ...news, sequence: open.sequence + 1 };
  }
  return open;
}

/** Returns the alerts of lost members without their acknowledgements, which were those of warnings. */
function endedAcknowledgements({ lost }: GroupState): readonly Alert[] {
  return lost.flatMap((alert) => (alert.acknowledgedBy === null ? [] : { ...alert, ...notAcknowledged }));
}

interface GroupWords {
  /** Returns `web: 5 of 8 serve, 6 are needed: web-1 unreachable, web-4 no report`. */
  readonly ofShort: (state: GroupState) => string;
  /** Returns `web: 6 of 8 serve again; still away: web-1, web-2`, with the worst state if nobody was told of it. */
  readonly ofEnd: (state: GroupState, worst: GroupState | null) => string;
}

function groupWords({ config }: Pick<FleetFacts, 'config'>, alerts: readonly Alert[]): GroupWords {
  const { lostFor } = openLostParents(config, alerts);
  const { all } = parentsOf(config);
  const parentWords = ({ lost }: GroupState): string => {
    const names = new Set(lost.map(({ client }) => lostFor(client)[0]?.name ?? null));
    const [name = null] = names;
    if (names.size !== 1 || name === null || lost.length < 2) return '';
    const isOne = (all.get(name)?.names.length ?? 1) === 1;
    return `, all ${all.get(name)?.isBastion === true ? 'behind' : 'on'} ${name}, which ${isOne ? 'is' : 'are'} unreachable`;
  };
  const servingWords = (state: GroupState): string => {
    const { group, serving, unknown } = state;
    const count = serving + unknown.length === 0 ? `none of ${group.members.length}` : servingCount(state);
    return `${group.need.name}: ${count} ${serving === 1 && unknown.length === 0 ? 'serves' : 'serve'}`;
  };
  const unknownWords = ({ unknown }: GroupState): string =>
    unknown.length === 0 ? '' : `; unknown: ${namedUpTo(maxNames, unknown)}`;
  return {
    ofShort: (state) => {
      const { needed } = state.group;
      const who = state.lost.length === 0 ? '' : `: ${namedUpTo(maxNames, lostWords(state))}`;
      const what = `${servingWords(state)}, ${needed} ${needed === 1 ? 'is' : 'are'} needed`;
      return `${what}${who}${parentWords(state)}${unknownWords(state)}`;
    },
    ofEnd: (state, worst) => {
      const least = worst === null ? '' : `, ${servingCount(worst)} at worst`;
      const away = [...new Set(state.lost.map(({ client }) => client))];
      const still = away.length === 0 ? '' : `; still away: ${namedUpTo(maxNames, away)}`;
      return `${servingWords(state)} again${least}${still}${unknownWords(state)}`;
    },
  };
}

/** Returns each lost member with the first of its alerts: `web-1 unreachable`, `web-4 no report`. */
export function lostWords({ lost }: GroupState): readonly string[] {
  const first = new Map(lost.toReversed().map((alert) => [alert.client, alert]));
  return [...first.values()].toReversed().map((alert) => {
    const label = alert.rule === 'no-report' ? 'no report' : alertLabel(alert).join(' ');
    return `${alert.client} ${label}`;
  });
}
