import type { Rule } from '../../config/config.ts';

/** Clients share their lists of rules, and a list never changes. */
const indexes = new WeakMap<readonly Rule[], ReadonlyMap<string, Rule>>();

/** Returns the rule or condition of that name, which is unique in a list; `null` if the list has none. */
export function findRule(rules: readonly Rule[], name: string): Rule | null {
  let index = indexes.get(rules);
  if (index === undefined) {
    index = new Map(rules.map((rule) => [rule.name, rule]));
    indexes.set(rules, index);
  }
  return index.get(name) ?? null;
}
