import { awayWords, membersByGroup, neededOf, needsAllWords } from '../../config/clients/group-needs.ts';
import type { Config } from '../../config/config.ts';
import { namedUpTo } from '../../text/numbers.ts';
import { easedWords, type Easing, type Standing } from '../inhibit/easing.ts';
import { type GroupState, servingCount, servingRange } from '../inhibit/group-states.ts';

const maxNames = 5;

/** Returns `web 7/8, 6 needed`, with what is unknown: the members that serve, of all, and how many are needed. */
export function servingText(group: GroupState): string {
  const { need, members, needed } = group.group;
  const { unknown, state } = group;
  const open = unknown.length === 0 ? '' : `, ${unknown.length} unknown`;
  const mark = state === 'short' ? ', too few' : state === 'unclear' ? ', unclear' : '';
  return `${need.name} ${servingRange(group, '-')}/${members.length}, ${needed} needed${open}${mark}`;
}

/** Returns `web: 7 of 8 serve, 6 are needed: one more may be away`, with the members that do not serve. */
export function servingSentence(state: GroupState): string {
  const { group, serving, lost, unknown } = state;
  const { need, needed } = group;
  const away = [...new Set(lost.map(({ client }) => client))];
  const spare = serving - needed;
  const left =
    spare > 0 ? `: ${away.length === 0 ? awayWords(spare) : awayWords(spare).replace(' may', ' more may')}` : '';
  const who = [
    ...(away.length === 0 ? [] : [`away: ${namedUpTo(maxNames, away)}`]),
    ...(unknown.length === 0 ? [] : [`unknown: ${namedUpTo(maxNames, unknown)}`]),
  ];
  const are = needed === 1 ? 'is' : 'are';
  return `${[`${need.name}: ${servingCount(state)} serve, ${needed} ${are} needed${left}`, ...who].join('; ')}.`;
}

/** Returns the groups of config.xml whose need has no effect, with the reason. */
export function idleGroups(config: Config): readonly string[] {
  return config.needs.flatMap((need) => {
    const members = membersByGroup(config).get(need.name)?.length ?? 0;
    if (need.rule === null) return [`${need.name}: group-short is not enabled, so no alert is eased.`];
    const isIdle = neededOf(need, members) >= members;
    return isIdle ? [`${need.name}: ${needsAllWords(members, 'active member')}, so need does nothing.`] : [];
  });
}

/** Returns why a critical alert of a client in a group is told as a warning, or why it is not; null for others. */
export function standingText(
  { groups, standingOf }: Easing,
  alert: Parameters<Easing['standingOf']>[0],
): string | null {
  if (alert.severity !== 'critical' || alert.state !== 'firing') return null;
  const standing = standingOf(alert);
  if (standing !== null) return textOf(standing);
  const group = groups.groups.find(({ members }) => members.some(({ name }) => name === alert.client));
  return group === undefined ? null : `Not eased: it is none of needRules of ${group.need.name}.`;
}

function textOf(standing: Standing): string {
  const { state } = standing;
  const { group, unknown } = state;
  const { need, needed } = group;
  const counts = `${servingCount(state)} serve and ${needed} ${needed === 1 ? 'is' : 'are'} needed`;
  if (standing.kind === 'eased') return `Told as a warning: ${easedWords(standing)}.`;
  if (standing.kind === 'short') return `Not eased: ${need.name} lacks members, ${counts}.`;
  if (state.state === 'short') return `Not eased: ${need.name} lacks members, and the next pass says so: ${counts}.`;
  const whom = namedUpTo(maxNames, unknown);
  return `Not eased: it is unclear whether enough of ${need.name} serve: ${counts}; nothing is known of ${whom}.`;
}
