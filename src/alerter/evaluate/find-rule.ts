import type { Config, Rule } from '../../config/config.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';

/** Returns the lists of rules of the fleet and its clients. Clients share their lists; each list is returned once. */
export function ruleLists({ alerts, clients }: Pick<Config, 'alerts' | 'clients'>): readonly (readonly Rule[])[] {
  return [...new Set([alerts.rules, ...clients.map(({ rules }) => rules)])];
}

/** A list of rules never changes. */
const byName = rememberedWeakly((rules: readonly Rule[]) => new Map(rules.map((rule) => [rule.name, rule])));

/** Returns the rule or condition of that name, which is unique in a list; `null` if the list has none. */
export function findRule(rules: readonly Rule[], name: string): Rule | null {
  return byName(rules).get(name) ?? null;
}
