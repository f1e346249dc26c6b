import type { Rule } from '../../config/config.ts';

/** Clients share their lists of rules, and a list never changes. */
const found = new WeakMap<readonly Rule[], ReadonlyMap<string, Rule>>();

export function rulesByName(rules: readonly Rule[]): ReadonlyMap<string, Rule> {
  const known = found.get(rules);
  if (known !== undefined) return known;
  const made = new Map(rules.map((rule) => [rule.name, rule]));
  found.set(rules, made);
  return made;
}
