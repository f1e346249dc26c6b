import type { Operator, Rule, Severity } from '../config/config.ts';

const holds: Readonly<Record<Operator, (value: number, limit: number) => boolean>> = {
  ge: (value, limit) => value >= limit,
  gt: (value, limit) => value > limit,
  le: (value, limit) => value <= limit,
  lt: (value, limit) => value < limit,
  eq: (value, limit) => value === limit,
  ne: (value, limit) => value !== limit,
};

/**
 * The severity of the limit that a value has reached, for showing: the present value alone counts, not how long it has
 * been there. Only the first rule of the type without selectors is looked at, for the value is the whole client's.
 */
export function beyondLimit(rules: readonly Rule[], type: string, value: number | null): Severity | null {
  if (value === null) return null;
  const rule = rules.find((candidate) => candidate.type === type && Object.keys(candidate.selectors).length === 0);
  if (rule === undefined || rule.freeBytes !== null) return null;
  const reached = (limit: number | null): boolean => limit !== null && holds[rule.op](value, limit);
  if (reached(rule.critical)) return 'critical';
  return reached(rule.warning) ? 'warning' : null;
}
