import type { Client, Config } from '../../config/config.ts';
import { type NamedRule, ruleFinder, ruleMatcher } from '../../config/rules/rule-matcher.ts';
import { globMatcher } from '../../config/values/globs.ts';
import { hasLabels, parseLabelSelector } from '../../config/values/labels.ts';
import { remembered } from '../../platform/remembered.ts';
import { literalMark, maxPatternChars, type Silence } from '../../storage/store/operator-store.ts';
import type { AboutKey } from '../../about/about.ts';
import { groupMark } from '../../about/group.ts';
import { kindOf } from '../../about/kinds.ts';

/**
 * Returns a function that is true for the alerts that a silence covers. The silence's three patterns are globs as in
 * config.xml, a rule's type stands for all its rules, and an empty pattern stands for all; `@web` for a client is every
 * client of the group, `#site=ber` every client with the labels. A pattern also matches the name that equals it: names
 * of rules may hold commas and wildcards of their selectors. Behind `=` a name is no pattern. Alerts of the fleet have
 * '' for their client, which `*` matches. The alert of a group is covered by a silence of all its members. The function
 * may be called for any number of alerts; make it once.
 */
export function silenceMatcher(
  silence: Pick<Silence, 'client' | 'rule' | 'subject'>,
  config: Pick<Config, 'clients' | 'needs'>,
): (key: AboutKey) => boolean {
  const client = memberMatcher(silence.client, config) ?? silencePattern(silence.client);
  const subject = silencePattern(silence.subject);
  const isRule = rulePattern(silence.rule);
  const ruleOf = ruleFinder(config);
  return (key) => kindOf(key).isCovered(key, client, config) && isRule(ruleOf(key)) && subject(key.subject);
}

/** Returns a test for the rules that a pattern of a silence fits: a type stands for every rule of the type. */
export function rulePattern(pattern: string): (rule: NamedRule) => boolean {
  if (!pattern.startsWith(literalMark)) return ruleMatcher(pattern);
  const isName = silencePattern(pattern);
  return ({ name }) => isName(name);
}

const labelMark = '#';

/** Returns the pattern of a silence that stands for the clients of a group. */
export function groupPattern(group: string): string {
  return groupMark + group;
}

/** Returns the pattern of a silence that stands for the clients with labels. */
export function labelPattern(selector: string): string {
  return labelMark + selector;
}

/** Returns the test of a pattern for a group or for labels; null if the pattern is for names. */
function memberMatcher(pattern: string, { clients }: Pick<Config, 'clients'>): ((client: string) => boolean) | null {
  const conditions = pattern.startsWith(labelMark) ? parseLabelSelector(pattern.slice(labelMark.length)) : null;
  const isGroup = pattern.startsWith(groupMark) ? globMatcher(pattern.slice(groupMark.length)) : null;
  if (conditions === null && isGroup === null) return null;
  const isMember = ({ groups, labels }: Client): boolean =>
    isGroup === null ? hasLabels(labels, conditions ?? []) : groups.some(isGroup);
  const members = new Set(clients.flatMap((client) => (isMember(client) ? [client.name] : [])));
  return (client) => members.has(client) || client === pattern;
}

/** Returns a test for the names that a pattern of a silence fits, groups aside. */
export function silencePattern(pattern: string): (value: string) => boolean {
  if (pattern.startsWith(literalMark)) {
    const name = pattern.slice(literalMark.length);
    const isCut = pattern.length >= maxPatternChars;
    return (value) => value === name || (isCut && value.startsWith(name));
  }
  const matches = globMatcher(pattern);
  return remembered((value) => value === pattern || matches(value));
}
