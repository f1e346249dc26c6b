import type { Rule } from '../../config/config.ts';
import type { Level } from '../../storage/store/alert.ts';
import { describeLimit, formatValue } from './describe-value.ts';
import { ruleLimits } from './rule-limits.ts';
import type { RuleLimits } from './rule-limits.ts';
import type { Sample } from './sample.ts';
import { ruleTypeOf } from '../../config/vocabulary/rule-types.ts';
import { unitOfRule } from './rule-metric.ts';

/** A rule that judges numbers, with what is found out of it once. */
export interface NumberRule {
  readonly rule: Rule;
  readonly levels: RuleLimits;
  /** The value in words; `row`: what the value was read from, where the words say more of it. */
  readonly describe: (value: number, row: unknown) => string;
}

export function numberRule(rule: Rule, describe?: NumberRule['describe']): NumberRule {
  return { rule, levels: ruleLimits(rule), describe: describe ?? describeByRule(rule) };
}

function describeByRule(rule: Rule): (value: number) => string {
  const unit = unitOfRule(rule);
  const { suffix = '', flagWords = null } = ruleTypeOf(rule.type) ?? {};
  if (flagWords !== null) return (value) => flagWords[value === 1 ? 0 : 1];
  return (value) => `${formatValue(unit, value)}${suffix}`;
}

/** What a rule says of a number; null is unknown. */
export function numberSample(judge: NumberRule, subject: string, value: number | null, row: unknown = null): Sample {
  return new NumberSample(judge, subject, value, row);
}

/** The same, where a second condition must hold too: null while that one is unknown. */
export function numberSampleIf(
  judge: NumberRule,
  subject: string,
  value: number | null,
  both: boolean | null,
  row: unknown = null,
): Sample {
  const sample = new NumberSample(judge, subject, value, row);
  if (sample.level === 'none' || sample.level === 'unknown') {
    if (both === false) sample.clear = true;
    return sample;
  }
  if (both === true) return sample;
  sample.level = both === null ? 'unknown' : 'none';
  sample.clear = both === false;
  sample.eased = both === false;
  return sample;
}

// A class for its getters: a million rows bring twenty million samples, and of nearly all of them nobody wants words.
class NumberSample implements Sample {
  readonly judge: NumberRule;
  readonly rule: Rule;
  readonly subject: string;
  readonly value: number | null;
  readonly pauseMs = 0;
  readonly row: unknown;
  level: Level;
  clear: boolean;
  eased: boolean;

  constructor(judge: NumberRule, subject: string, value: number | null, row: unknown) {
    this.judge = judge;
    this.row = row;
    this.rule = judge.rule;
    this.subject = subject;
    this.value = value;
    this.level = value === null ? 'unknown' : judge.levels.levelOf(value);
    this.clear = value !== null && judge.levels.isClear(value);
    this.eased = value !== null && judge.levels.isEased(value);
  }

  get valueText(): string {
    return this.value === null ? 'unknown' : this.judge.describe(this.value, this.row);
  }

  get limitText(): string {
    const { level } = this;
    return describeLimit(this.rule, level === 'critical' ? 'critical' : 'warning');
  }
}

interface Said {
  readonly rule: Rule;
  readonly subject: string;
  readonly valueText: string;
  readonly pauseMs?: number;
}

/** Something is wrong that is no number. */
export function faultSample({ rule, subject, valueText, pauseMs = 0 }: Said): Sample {
  return fact(rule, subject, rule.severity, valueText, pauseMs);
}

/** All is well with what is no number. */
export function clearSample({ rule, subject, valueText }: Said): Sample {
  return fact(rule, subject, 'none', valueText, 0);
}

export function unknownSample(rule: Rule, subject: string): Sample {
  return fact(rule, subject, 'unknown', 'unknown', 0);
}

function fact(rule: Rule, subject: string, level: Level, valueText: string, pauseMs: number): Sample {
  const eased = level !== 'critical';
  return { rule, subject, level, clear: level === 'none', eased, value: null, valueText, limitText: '', pauseMs };
}
