import type { Operator, Rule, Severity } from '../../config/config.ts';
import { formatDuration } from '../../config/values/quantities.ts';
import type { Unit } from '../../report/metrics.ts';
import { unitOfRule } from './rule-metric.ts';

const sizeUnits = ['TiB', 'GiB', 'MiB', 'KiB'] as const;

/** A value with its unit, for people: `96.2 %`, `1.5 GiB`, `3m 20s`. More decimals than usual are shown on request. */
export function formatValue(unit: Unit, value: number, moreDecimals = 0): string {
  const number = (decimals: number): number => rounded(value, decimals + moreDecimals);
  switch (unit) {
    case 'percent':
      return `${number(1)} %`;
    case 'bytes':
      return formatBytes(value, moreDecimals);
    case 'bytes_per_second':
      return `${formatBytes(value, moreDecimals)}/s`;
    case 'per_second':
      return `${number(2)}/s`;
    case 'seconds':
      return formatSeconds(value, moreDecimals);
    case 'milliseconds':
      return `${number(0)} ms`;
    case 'celsius':
      return `${number(1)} °C`;
    case 'load':
      return String(number(2));
    case 'count':
    case 'flag':
      return String(number(0));
  }
}

/** Decimals of a limit beyond those of a value: a limit is shown as it was written. */
const moreInLimits = 3;

/** A limit with its unit, for people. */
export function formatLimit(unit: Unit, limit: number): string {
  return formatValue(unit, limit, moreInLimits);
}

/** `4 of 100 GiB free`; units are said twice where they differ. */
export function describeFree(freeBytes: number, sizeBytes: number): string {
  const [free, size] = [formatBytes(freeBytes), formatBytes(sizeBytes)];
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

/** The limit that holds at a severity, for people: `at least 95 %`; '' where the rule has none to name. */
export function describeLimit(rule: Rule, severity: Severity): string {
  const unit = unitOfRule(rule);
  const limit = severity === 'critical' ? (rule.critical ?? rule.warning) : (rule.warning ?? rule.critical);
  if (rule.min !== null || rule.max !== null) return outside(rule.min, rule.max);
  if (limit === null || (unit === 'flag' && rule.metric === null)) return '';
  const per = rule.type === 'load' ? ' per CPU' : '';
  const free = rule.freeBytes === null ? '' : ` and less than ${formatBytes(rule.freeBytes, moreInLimits)} free`;
  return `${comparisonWords[rule.op]} ${formatLimit(unit, limit)}${per}${free}`;
}

function outside(min: number | null, max: number | null): string {
  const parts = [...(min === null ? [] : [`fewer than ${min}`]), ...(max === null ? [] : [`more than ${max}`])];
  return parts.join(' or ');
}

function formatBytes(bytes: number, moreDecimals = 0): string {
  for (const [index, unit] of sizeUnits.entries()) {
    const size = bytes / 2 ** (10 * (sizeUnits.length - index));
    if (size >= 1) return `${rounded(size, (size < 10 ? 2 : 1) + moreDecimals)} ${unit}`;
  }
  return `${rounded(bytes, 0)} B`;
}

/** The two largest units of a time, so that it stays short; parts of a second where there is nothing else. */
function formatSeconds(seconds: number, moreDecimals: number): string {
  if (Math.abs(seconds) < 10) return `${rounded(seconds, 1 + moreDecimals)}s`;
  const sign = seconds < 0 ? '-' : '';
  const units = formatDuration(Math.abs(seconds) * 1000).match(/\d+[dhms]/g) ?? [];
  return sign + units.slice(0, 2).join(' ');
}

function rounded(value: number, decimals: number): number {
  const factor = 10 ** decimals;
  return Math.round(value * factor) / factor;
}
