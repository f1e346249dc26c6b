import type { Operator, Rule, Severity } from '../../config/config.ts';

/** The limits of a rule, as functions of a value. */
export interface RuleLimits {
  readonly levelOf: (value: number) => 'none' | Severity;
  /** True if the value is beyond the limit at which an alert may recover. */
  readonly isClear: (value: number) => boolean;
  /** True if the value is as far beyond critical as `isClear` is beyond the lowest level. */
  readonly isEased: (value: number) => boolean;
}

const comparisons: Readonly<Record<Operator, (value: number, limit: number) => boolean>> = {
  ge: (value, limit) => value >= limit,
  gt: (value, limit) => value > limit,
  le: (value, limit) => value <= limit,
  lt: (value, limit) => value < limit,
  eq: (value, limit) => value === limit,
  ne: (value, limit) => value !== limit,
};

/** Returns the limits of a rule: `warning`, `critical` and `clear`, or `min` and `max`. */
export function ruleLimits(rule: Rule): RuleLimits {
  const { warning, critical, min, max, severity } = rule;
  const least = warning ?? critical;
  if (least === null) {
    const within = (value: number): boolean => (min === null || value >= min) && (max === null || value <= max);
    return {
      levelOf: (value) => (within(value) ? 'none' : severity),
      isClear: within,
      isEased: (value) => severity === 'warning' || within(value),
    };
  }
  const holds = comparisons[rule.op];
  const falling = rule.op === 'lt' || rule.op === 'le';
  const clearLimit = rule.clear ?? least;
  const margin = Math.abs(least - clearLimit);
  const easedAt = critical === null ? null : falling ? critical + margin : critical - margin;
  return {
    levelOf: (value) => {
      if (critical !== null && holds(value, critical)) return 'critical';
      return warning !== null && holds(value, warning) ? 'warning' : 'none';
    },
    isClear: (value) => !holds(value, clearLimit),
    isEased: (value) => easedAt === null || !holds(value, easedAt),
  };
}
