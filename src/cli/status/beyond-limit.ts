import { ruleLimits } from '../../alerter/evaluate/rule-limits.ts';
import type { Rule, Severity } from '../../config/config.ts';

/**
 * The severity of the limit that a value has reached, for showing: the present value alone counts, not how long it has
 * been there. Only the first rule of the type without selectors is looked at, for the value is the whole client's.
 */
export function beyondLimit(rules: readonly Rule[], type: string, value: number | null): Severity | null {
  if (value === null) return null;
  const rule = rules.find((candidate) => candidate.type === type && Object.keys(candidate.selectors).length === 0);
  if (rule === undefined || rule.freeBytes !== null) return null;
  const level = ruleLimits(rule).levelOf(value);
  return level === 'none' ? null : level;
}
