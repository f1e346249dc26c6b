import type { Rule } from '../../config/config.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';

/** Clients share their lists of rules, and a list never changes. */
const byName = rememberedWeakly((rules: readonly Rule[]) => new Map(rules.map((rule) => [rule.name, rule])));

/** Returns the rule or condition of that name, which is unique in a list; `null` if the list has none. */
export function findRule(rules: readonly Rule[], name: string): Rule | null {
  return byName(rules).get(name) ?? null;
}
