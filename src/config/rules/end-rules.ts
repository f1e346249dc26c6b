import { selectorsInForce, type MergedRule } from './finish-rule.ts';
import { alertName } from './merge-alert.ts';
import type { Element } from '../xml/parse-elements.ts';
import type { RuleScope } from './scope.ts';

type Rules = Map<string, MergedRule>;

/**
 * The rules around an element without those that its alerts with enabled="no" end. A name ends the rule of that name. A
 * type ends all its rules, or, with selectors, lets them judge nothing that the selectors match.
 */
export function withoutEnded(
  alerts: readonly Element[],
  outer: Pick<RuleScope, 'written' | 'builtins'>,
): { readonly written: Rules; readonly builtins: Rules } {
  const inside = { written: new Map(outer.written), builtins: new Map(outer.builtins) };
  for (const { attributes, faulty } of alerts) {
    const name = alertName(attributes);
    if (attributes['enabled'] !== 'no' || faulty || name === null) continue;
    const selectors = selectorsInForce(attributes);
    for (const rules of [inside.written, inside.builtins]) {
      rules.delete(name);
      if (attributes['name'] !== undefined) continue;
      for (const [key, rule] of rules) {
        if (rule.attributes['type'] !== attributes['type'] || rule.attributes['metric'] !== attributes['metric'])
          continue;
        if (Object.keys(selectors).length === 0) rules.delete(key);
        else rules.set(key, { ...rule, except: [...rule.except, selectors] });
      }
    }
  }
  return inside;
}
