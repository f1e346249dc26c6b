import type { About } from '../../config/rules/builtin-rules.ts';
import type { Rule, Severity } from '../../config/config.ts';
import { ruleTypeOf } from '../../config/vocabulary/rule-types.ts';
import type { DiskRow } from '../../report/columns.ts';
import type { Level } from '../../storage/store/alert.ts';
import { describeLimit, formatValue } from './describe-value.ts';
import { ruleLimits, type RuleLimits } from './rule-limits.ts';
import { unitOfRule } from './rule-metric.ts';

/** The value and level of one subject of one rule in one row. */
export interface Sample {
  readonly rule: Rule;
  readonly subject: string;
  readonly level: Level;
  /** True if the value is beyond the limit of recovery; counts towards recovery. */
  readonly clear: boolean;
  /** True if the value is as far beyond critical as `clear` is beyond the lowest level; counts towards warning. */
  readonly eased: boolean;
  readonly value: number | null;
  readonly valueText: string;
  /** '' if there is no limit to name. */
  readonly limitText: string;
  /** The time since the previous row that is no gap, if it is longer than usual; else 0. */
  readonly pauseMs: number;
  /** True if the row is a visit that a fault of the network may have ended. */
  readonly isNetwork?: boolean;
  /** The error code of a failed visit. */
  readonly code?: string;
}

/** The samples of one row, as samplers add them. */
export interface RowSamples {
  readonly samples: Sample[];
  /** Samples of read-only file systems that count only if the file systems were writable before. */
  readonly ifWritable: Sample[];
  /** Names of rules whose subjects all have a sample: a subject without a sample no longer exists. */
  readonly complete: string[];
}

/** A row of `stats` or `visits`, evaluated by the rules of its client. */
export interface SampledRow {
  readonly samples: readonly Sample[];
  readonly ifWritable: readonly Sample[];
  readonly complete: readonly string[];
  /** The kind of thing that its alerts are about. Default: a client. */
  readonly about?: About;
  readonly client: string;
  /** observed_at of a report, started_at of a visit. */
  readonly atMs: number;
  readonly kind: 'report' | 'visit';
  readonly runId: string;
  /** Report id, or `run/client`. */
  readonly evidence: string;
  /** The end of a visit, see RuleState.visits; `null` if the visit does not count, and for a report. */
  readonly visitEnd: string | null;
  /** The mounts of a report; `null` if not loaded, and for a visit. */
  readonly disks: readonly DiskRow[] | null;
  /** The boot that a report is from, and the time since that boot; `null` if unknown, and for a visit. */
  readonly bootId: string | null;
  readonly uptimeSeconds: number | null;
  /** Processes killed for want of memory since the previous report; `null` if unknown, and for a visit. */
  readonly oomKills: number | null;
  /** The names of killed processes, where logs are read. */
  readonly oomKilled: readonly string[];
}

/** A rule over numbers, with its limits and words, which are derived once. */
export interface NumberRule {
  readonly rule: Rule;
  readonly limits: RuleLimits;
  /** Returns the value in words. `row` is the row of the value, for words that describe more than the value. */
  readonly describe: (value: number, row: unknown) => string;
  /** Returns the limit in words. Default: in the unit of the rule. */
  readonly describeLimit?: (severity: Severity, row: unknown) => string;
}

export function numberRule(rule: Rule, describe?: NumberRule['describe']): NumberRule {
  return { rule, limits: ruleLimits(rule), describe: describe ?? describeByRule(rule) };
}

function describeByRule(rule: Rule): (value: number) => string {
  const unit = unitOfRule(rule);
  const { suffix = '', flagWords = null } = ruleTypeOf(rule.type) ?? {};
  if (flagWords !== null) return (value) => flagWords[value === 1 ? 0 : 1];
  return (value) => `${formatValue(unit, value)}${suffix}`;
}

/**
 * Returns the sample of a number; its level is unknown for `null`. `both` is true if a second condition holds, without
 * which there is no fault; `null` if that is unknown.
 */
export function numberSample(
  of: NumberRule,
  subject: string,
  value: number | null,
  row: unknown = null,
  both: boolean | null = true,
): Sample {
  const sample = new NumberSample(of, subject, value, row);
  if (both === true) return sample;
  const isFault = sample.level === 'warning' || sample.level === 'critical';
  sample.clear = both === false || (sample.clear && !isFault);
  if (isFault) {
    sample.level = both === null ? 'unknown' : 'none';
    sample.eased = both === false;
  }
  return sample;
}

// A class for its getters: a million rows make twenty million samples, and the words of nearly all are never read.
class NumberSample implements Sample {
  readonly rule: Rule;
  readonly subject: string;
  readonly value: number | null;
  readonly pauseMs = 0;
  level: Level;
  clear: boolean;
  eased: boolean;
  readonly numberRule: NumberRule;
  readonly row: unknown;

  constructor(numberRule: NumberRule, subject: string, value: number | null, row: unknown) {
    const { rule, limits } = numberRule;
    this.rule = rule;
    this.subject = subject;
    this.value = value;
    this.level = value === null ? 'unknown' : limits.levelOf(value);
    this.clear = value !== null && limits.isClear(value);
    this.eased = value !== null && limits.isEased(value);
    this.numberRule = numberRule;
    this.row = row;
  }

  get valueText(): string {
    return this.value === null ? 'unknown' : this.numberRule.describe(this.value, this.row);
  }

  get limitText(): string {
    const severity = this.level === 'critical' ? 'critical' : 'warning';
    return this.numberRule.describeLimit?.(severity, this.row) ?? describeLimit(this.rule, severity);
  }
}

/** Returns the sample of a fault that has no number. */
export function faultSample(rule: Rule, subject: string, valueText: string): Sample {
  return stateSample(rule, subject, rule.severity, valueText);
}

/** Returns the sample of a subject that has neither a fault nor a number. */
export function clearSample(rule: Rule, subject: string, valueText: string): Sample {
  return stateSample(rule, subject, 'none', valueText);
}

export function unknownSample(rule: Rule, subject: string): Sample {
  return stateSample(rule, subject, 'unknown', 'unknown');
}

/** Returns the sample of a state that has no number. */
export function stateSample(rule: Rule, subject: string, level: Level, valueText: string): Sample {
  const eased = level !== 'critical';
  return { rule, subject, level, clear: level === 'none', eased, value: null, valueText, limitText: '', pauseMs: 0 };
}
