import type { Operator, Rule, Severity } from '../../config/config.ts';
import { describeDuration } from '../../text/durations.ts';
import { describeSize, rounded } from '../../text/numbers.ts';
import type { Unit } from '../../report/metrics.ts';
import { ruleTypeOf } from '../../config/vocabulary/rule-types.ts';
import { unitOfRule } from './rule-metric.ts';

/** Formats a value with its unit, for people: `96.2 %`, `1.5 GiB`, `3m 20s`. `moreDecimals` adds to the usual ones. */
export function formatValue(unit: Unit, value: number, moreDecimals = 0): string {
  const number = (decimals: number): number => rounded(value, decimals + moreDecimals);
  switch (unit) {
    case 'percent':
      return `${number(1)} %`;
    case 'bytes':
      return describeSize(value, moreDecimals);
    case 'bytes_per_second':
      return `${describeSize(value, moreDecimals)}/s`;
    case 'per_second':
      return `${number(2)}/s`;
    case 'seconds':
      return describeDuration(value * 1000, 1 + moreDecimals);
    case 'milliseconds':
      return `${number(0)} ms`;
    case 'celsius':
      return `${number(1)} °C`;
    case 'load':
      return String(number(2));
    case 'count':
    case 'total':
    case 'flag':
      return String(number(0));
  }
}

/** Decimals of a limit beyond those of a value: a limit is shown as it was written. */
const moreInLimits = 3;

/** Formats a limit with its unit, for people. */
export function formatLimit(unit: Unit, limit: number): string {
  return formatValue(unit, limit, moreInLimits);
}

/** Describes free space: `4 of 100 GiB free`. The free space has its own unit only if the units differ. */
export function describeFree(freeBytes: number, sizeBytes: number): string {
  const [free, size] = [describeSize(freeBytes), describeSize(sizeBytes)];
  const [number = '', unit = ''] = free.split(' ');
  return size.endsWith(` ${unit}`) ? `${number} of ${size} free` : `${free} of ${size} free`;
}

const comparisonWords: Readonly<Record<Operator, string>> = {
  ge: 'at least',
  gt: 'more than',
  le: 'at most',
  lt: 'less than',
  eq: 'exactly',
  ne: 'other than',
};

/** Describes the limit at a severity, for people: `at least 95 %`; '' if the rule names none. */
export function describeLimit(rule: Rule, severity: Severity, unit: Unit = unitOfRule(rule)): string {
  const limit = severity === 'critical' ? (rule.critical ?? rule.warning) : (rule.warning ?? rule.critical);
  if (rule.min !== null || rule.max !== null) return outside(rule.min, rule.max);
  if (limit === null || (unit === 'flag' && rule.metric === null)) return '';
  const suffix = ruleTypeOf(rule.type)?.suffix ?? '';
  const free = rule.freeBytes === null ? '' : ` and less than ${describeSize(rule.freeBytes, moreInLimits)} free`;
  return `${comparisonWords[rule.op]} ${formatLimit(unit, limit)}${suffix}${free}`;
}

function outside(min: number | null, max: number | null): string {
  const parts = [...(min === null ? [] : [`fewer than ${min}`]), ...(max === null ? [] : [`more than ${max}`])];
  return parts.join(' or ');
}
