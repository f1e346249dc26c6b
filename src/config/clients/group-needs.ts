import { counted, namedUpTo } from '../../text/numbers.ts';
import { groupBy } from '../../platform/group-by.ts';
import { remembered, rememberedWeakly } from '../../platform/remembered.ts';
import type { Client, Config, GroupNeed, Rule } from '../config.ts';
import { ruleMatcher } from '../rules/rule-matcher.ts';
import { didYouMean } from '../values/nearest.ts';
import type { Findings, Place } from '../xml/findings.ts';
import type { Element } from '../xml/parse-elements.ts';
import { worstSeverity } from '../recipients/listeners.ts';

/** The rules that decide whether a member serves, unless `needRules` names others. */
export const usualNeedRules: readonly string[] = Object.freeze(['unreachable', 'no-report']);

/** A group that needs some of its members, with its element. */
export interface ReadNeed {
  readonly need: GroupNeed;
  readonly element: Element;
}

/**
 * Returns the active clients of each group that needs some of its members, in the file's order. Paused and retired
 * clients count neither as serving nor in the total.
 */
export const membersByGroup = rememberedWeakly(
  ({ needs, clients }: Pick<Config, 'needs' | 'clients'>): ReadonlyMap<string, readonly Client[]> => {
    if (needs.length === 0) return new Map();
    const members = new Map<string, Client[]>(needs.map(({ name }) => [name, []]));
    for (const client of clients) {
      if (client.state === 'active') for (const group of client.groups) members.get(group)?.push(client);
    }
    return members;
  },
);

/** Returns how many of a group's members are needed; never more than there are. A share is rounded up. */
export function neededOf({ need, isShare }: GroupNeed, members: number): number {
  // 0.07 * 100 is more than 7: the product of whole numbers is exact.
  return Math.min(members, isShare ? Math.ceil((need * members) / 100) : need);
}

/** Returns `two may be away`: the members that may be away while the group has enough. */
export function awayWords(mayBeAway: number): string {
  const words = ['none', 'one', 'two', 'three', 'four', 'five', 'six'];
  return `${words[mayBeAway] ?? String(mayBeAway)} may be away`;
}

/** Says of a group that it needs all that it has: `all 8 members are needed`. */
export function needsAllWords(count: number, what: string): string {
  return [`it has no ${what}s`, `its only ${what} is needed`][count] ?? `all ${counted(count, what)} are needed`;
}

interface CheckNeedsOptions {
  readonly needs: readonly ReadNeed[];
  readonly clients: readonly Client[];
  readonly findings: Findings;
}

/** Reports groups whose need does nothing, and rules of `needRules` that cannot count. */
export function checkNeeds({ needs, clients, findings }: CheckNeedsOptions): void {
  if (needs.length === 0) return;
  const watched = clients.filter(({ state }) => state !== 'retired');
  const counts = new Map<string, number>();
  for (const { groups } of watched) for (const name of groups) counts.set(name, (counts.get(name) ?? 0) + 1);
  const members = membersByGroup({ needs: needs.map(({ need }) => need), clients });
  for (const { need, element } of needs) {
    const own = members.get(need.name) ?? [];
    const all = counts.get(need.name) ?? 0;
    if (neededOf(need, all) >= all) {
      const what = `${needsAllWords(all, 'member')}, so need does nothing`;
      findings.warn(element, `<group name="${need.name}">: ${what}; write a smaller need, or remove it`);
    } else if (neededOf(need, own.length) >= own.length) {
      const what = `${needsAllWords(own.length, 'active member')}, so need does nothing now`;
      findings.warn(element, `<group name="${need.name}">: ${what}`);
    }
    checkNeedRules(need, own, element, findings);
  }
}

/** Finds the rules of a list that a pattern means. Clients share their lists. */
const meantBy = remembered((pattern: string) => {
  const isMeant = ruleMatcher(pattern);
  return rememberedWeakly((rules: readonly Rule[]) => rules.filter(isMeant));
});

function checkNeedRules(
  { name, rules }: GroupNeed,
  members: readonly Client[],
  place: Place,
  findings: Findings,
): void {
  const lists = groupBy(members, (member) => member.rules);
  for (const part of rules) {
    const pattern = part.replace(/^!/, '');
    if (lists.size === 0 || [...lists.keys()].some((list) => meantBy(pattern)(list).length > 0)) continue;
    const names = new Set([...lists.keys()].flatMap((list) => list.map((rule) => rule.name)));
    const [, check] = /^check (.+)$/.exec(part) ?? [];
    const near = didYouMean(part, names);
    const advice =
      check === undefined
        ? near || `; \`fleet-health check ${members[0]?.name ?? ''}\` lists them`
        : `; write <alert name="${part}" type="check" check="${check}"/> into the group`;
    findings.warn(place, `<group name="${name}"> needRules="${part}" names no rule of its members${advice}`);
  }
  const milder = [...lists].flatMap(([list, of]) => {
    const warnings = meantBy(rules.join(','))(list).filter((rule) => worstSeverity(rule) === 'warning');
    return warnings.flatMap((rule) => of.map((member) => ({ member: member.name, rule: rule.name })));
  });
  // A pattern may mean many of them: rules for which the same members are affected share a warning.
  const affected = [...groupBy(milder, (one) => one.rule)].map(([rule, of]) => ({
    rule,
    whom:
      of.length === members.length ? 'its members' : of.length === 1 ? (of[0]?.member ?? '') : `${of.length} members`,
  }));
  for (const [whom, of] of groupBy(affected, (one) => one.whom)) {
    const [is, cannot, them] =
      of.length === 1 ? ['is only a warning', 'it', 'it'] : ['are only warnings', 'they', 'them'];
    const named = namedUpTo(
      3,
      of.map(({ rule }) => `"${rule}"`),
    );
    const what = `${named} of needRules ${is} for ${whom}, so ${cannot} cannot count`;
    findings.warn(place, `<group name="${name}">: ${what}; make ${them} critical, or remove ${them} from needRules`);
  }
}
