import { writtenFigures, type WrittenFigure } from '../../checks/written-perfdata.ts';
import type { Rule } from '../../config/config.ts';
import { globMatcher } from '../../config/values/globs.ts';
import type { Unit } from '../../report/metrics.ts';
import { rounded } from '../../text/numbers.ts';
import { describeLimit, formatValue } from './describe-value.ts';
import { numberRule, numberSample } from './sample.ts';
import { labelMatcher, ruleChooser, type SamplerKind, type TableRule } from './sampler.ts';

/** The metric of the figures that checks give. */
export const checkValueMetric = 'check_value';

/** A figure with its check. */
interface CheckFigure extends WrittenFigure {
  readonly check: string;
}

const units: Readonly<Record<string, Unit>> = { s: 'seconds', B: 'bytes', '%': 'percent' };

/** Samples the figures of people's own checks: subjects are the check and the label. Ranks rules by the check. */
export const checkValueSamplers: SamplerKind = {
  serves: ({ metric }) => metric === checkValueMetric,
  needOf: () => 'checks',
  create: (rules) => {
    const choose = ruleChooser<CheckFigure, TableRule<CheckFigure>>(rules.map(figureRule));
    const selected = rules.map(({ name, selectors }) => ({ name, isOf: globMatcher(selectors['check'] ?? '*') }));
    return ({ checks }, { samples, complete }) => {
      if (checks === null) return;
      const results = checks.filter(({ refused }) => refused === 0);
      for (const { check_name: check, perfdata } of results) {
        for (const figure of writtenFigures(perfdata)) {
          const row = { ...figure, check };
          for (const rule of choose(check, row)) {
            samples.push(numberSample(rule, `${check} ${figure.label}`, figure.value, row));
          }
        }
      }
      // A check that is UNKNOWN often has no figures. That does not say that they are gone.
      const unknown = results.filter(({ state }) => state === 3);
      const whole = selected.filter(({ isOf }) => !unknown.some(({ check_name: check }) => isOf(check)));
      complete.push(...whole.map(({ name }) => name));
    };
  },
};

function figureRule(rule: Rule): TableRule<CheckFigure> {
  const matches = labelMatcher(rule);
  return {
    ...numberRule(rule, (value, row) => describeFigure(value, row as CheckFigure)),
    describeLimit: (severity, row) => describeLimit(rule, severity, units[(row as CheckFigure).suffix]),
    matches: (figure) => matches((name) => (name === 'check' ? figure.check : name === 'label' ? figure.label : '')),
    valueOf: ({ value }) => value,
  };
}

/** Returns a figure in words: `57 %`, `1.5 GiB`, `0.35`. */
export function describeFigure(value: number, { suffix }: Pick<WrittenFigure, 'suffix'>): string {
  const unit = units[suffix];
  return unit === undefined ? String(rounded(value, 2)) : formatValue(unit, value);
}
