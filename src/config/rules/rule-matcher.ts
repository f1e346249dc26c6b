import { remembered, rememberedWeakly } from '../../platform/remembered.ts';
import type { Config } from '../config.ts';
import type { Rule } from '../rule.ts';
import { globMatcher, splitGlobs } from '../values/globs.ts';
import { ruleTypes } from '../vocabulary/rule-types.ts';

/** The part of a rule that patterns match. */
export type NamedRule = Pick<Rule, 'name' | 'type'>;

/** True if a word stands for every rule of a type. */
export function isRuleType(word: string): boolean {
  return ruleTypes.has(word);
}

/**
 * Returns a function that matches rules against patterns separated by commas. A word that is a type stands for every
 * rule of the type, whatever its name is; any other word is a name or a glob of names. `!` in front excludes. Make the
 * function once and call it for any number of rules.
 */
export function ruleMatcher(patterns: string): (rule: NamedRule) => boolean {
  const parts = splitGlobs(patterns);
  const matcherOf = (part: string): ((rule: NamedRule) => boolean) => {
    const isName = globMatcher(part);
    return isRuleType(part) ? ({ name, type }) => type === part || isName(name) : ({ name }) => isName(name);
  };
  const wanted = parts.filter((part) => !part.startsWith('!')).map(matcherOf);
  const excluded = parts.filter((part) => part.startsWith('!')).map((part) => matcherOf(part.slice(1)));
  return (rule) =>
    // A whole name comes first: its selectors may hold commas and wildcards.
    rule.name === patterns ||
    ((wanted.length === 0 || wanted.some((matches) => matches(rule))) && !excluded.some((matches) => matches(rule)));
}

/** True if a list of patterns names a rule, or is empty. */
export function asksFor(patterns: readonly string[], rule: NamedRule): boolean {
  return patterns.length === 0 || ruleMatcher(patterns.join(','))(rule);
}

/**
 * Returns a rule by its name, with its type; for a name that is not among the rules, the type that its first word
 * names.
 */
export function namedRule(rules: readonly NamedRule[], name: string): NamedRule {
  const known = rules.find((rule) => rule.name === name);
  const [word = ''] = name.split(' ');
  return known ?? { name, type: isRuleType(word) ? word : null };
}

/** Returns the words that may stand for rules: their names and types. */
export function wordsOfRules(rules: readonly NamedRule[]): readonly string[] {
  return [...new Set(rules.flatMap(({ name, type }) => (type === null ? name : [name, type])))];
}

/**
 * Returns the lists of rules of the fleet, its clients and its groups. Clients share their lists; each list is returned
 * once.
 */
export function ruleLists({
  alerts,
  clients,
  needs,
}: Pick<Config, 'alerts' | 'clients' | 'needs'>): readonly (readonly Rule[])[] {
  const ofGroups = needs.flatMap(({ rule }) => (rule === null ? [] : [[rule]]));
  return [...new Set([alerts.rules, ...clients.map(({ rules }) => rules)]), ...ofGroups];
}

/** A list of rules never changes. */
const byName = rememberedWeakly((rules: readonly Rule[]) => new Map(rules.map((rule) => [rule.name, rule])));

/** Returns the rule or condition of that name, which is unique in a list; `null` if the list has none. */
export function findRule(rules: readonly Rule[], name: string): Rule | null {
  return byName(rules).get(name) ?? null;
}

const noRules: readonly Rule[] = [];

/** Returns a function that finds the rule of an alert, with its type. */
export function ruleFinder({
  clients,
}: Pick<Config, 'clients'>): (key: { readonly client: string; readonly rule: string }) => NamedRule {
  const rulesOf = new Map(clients.map(({ name, rules }) => [name, rules]));
  const found = remembered((rules: readonly Rule[]) => remembered((name: string) => namedRule(rules, name)));
  return ({ client, rule }) => found(rulesOf.get(client) ?? noRules)(rule);
}
