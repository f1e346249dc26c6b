import { append } from '../../platform/group-by.ts';
import type { CheckStat } from '../../report/checks/checks.ts';
import { writtenFigures, type WrittenFigure } from '../../report/checks/written-perfdata.ts';
import type { Rule } from '../../config/config.ts';
import { globMatcher } from '../../config/values/globs.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import type { Unit } from '../../report/metrics.ts';
import { rounded } from '../../text/numbers.ts';
import { describeLimit, formatValue } from './describe-value.ts';
import { numberRule, numberSample } from './sample.ts';
import { labelMatcher, ruleChooser, type SamplerKind, type TableRule } from './sampler.ts';

/** True if a rule evaluates the figures of checks: their values, or their growth in a day. */
export function isOfFigures({ metric }: Pick<Rule, 'metric'>): boolean {
  return metric === 'check_value' || isOfRises({ metric });
}

function isOfRises({ metric }: Pick<Rule, 'metric'>): boolean {
  return metric === 'check_rise';
}

/** A figure with its check. */
interface CheckFigure extends WrittenFigure {
  readonly check: string;
  /** The label of the sum, if the figure is that of one disk beside a sum; else its own label. */
  readonly sum: string;
  /** True if figures of single disks stand beside the figure, which is their sum. */
  readonly isSum: boolean;
  /** The figure of a day before; null if unknown. */
  readonly before: number | null;
}

const units: Readonly<Record<string, Unit>> = { s: 'seconds', B: 'bytes', '%': 'percent' };

/** Samples the figures of people's own checks: subjects are the check and the label. Ranks rules by the check. */
export const checkValueSamplers: SamplerKind = {
  serves: isOfFigures,
  needOf: () => 'checks',
  create: (rules) => {
    const choose = ruleChooser<CheckFigure, TableRule<CheckFigure>>(rules.map(figureRule));
    const selected = rules.map(({ name, selectors }) => ({ name, isOf: globMatcher(selectors['check'] ?? '*') }));
    return ({ checks, checksDayBefore }, { samples, complete }) => {
      if (checks === null) return;
      const results = checks.filter(({ refused }) => refused === 0);
      for (const { check_name: check, perfdata } of results) {
        if (!selected.some(({ isOf }) => isOf(check))) continue;
        const then = checksDayBefore?.find(({ check_name: name }) => name === check);
        for (const row of checkFigures(check, perfdata, then?.perfdata ?? '')) {
          for (const rule of choose(check, row)) {
            if (isReportedByAgent(rule.rule, results)) continue;
            samples.push(numberSample(rule, `${check} ${row.label}`, rule.valueOf(row), row));
          }
        }
      }
      // A check that is UNKNOWN often has no figures, which does not mean that they no longer exist.
      const unknown = results.filter(({ state }) => state === 3);
      const whole = selected.filter(({ isOf }) => !unknown.some(({ check_name: check }) => isOf(check)));
      append(
        complete,
        whole.map(({ name }) => name),
      );
    };
  },
};

/**
 * Returns the figures of a check with those of a day before. In a textfile `reallocated_sectors /dev/sda` is a part of
 * the sum `reallocated_sectors`. A part without an earlier value was 0 if its disk had other figures, else it is
 * unknown.
 */
function checkFigures(check: string, perfdata: string, perfdataBefore: string): readonly CheckFigure[] {
  const figures = writtenFigures(perfdata);
  const labels = new Set(figures.map(({ label }) => label));
  const sumOf = (label: string): string => {
    const [sum = ''] = label.split(' ', 1);
    return check.startsWith('textfile:') && labels.has(sum) ? sum : label;
  };
  const sums = new Set(figures.flatMap(({ label }) => (sumOf(label) === label ? [] : sumOf(label))));
  const earlier = new Map(writtenFigures(perfdataBefore).map(({ label, value }) => [label, value]));
  const wasThere = (disk: string): boolean => [...earlier.keys()].some((label) => label.endsWith(disk));
  return figures.map((figure) => {
    const { label } = figure;
    const sum = sumOf(label);
    const known = earlier.get(label);
    const before = known !== undefined ? known : sum !== label && wasThere(label.slice(sum.length)) ? 0 : null;
    return { ...figure, check, sum, isSum: sums.has(label), before };
  });
}

/** True if the agent's check `updates` reports the figures of a default rule, package by package. */
function isReportedByAgent({ name, origin }: Rule, checks: readonly CheckStat[]): boolean {
  if (origin !== 'default' || name !== 'security-updates') return false;
  return checks.some(({ check_name: check, state }) => check === 'updates' && state !== 3);
}

/** Clients share their lists of rules, and a list never changes. */
const matchersOfRises = rememberedWeakly((rules: readonly Rule[]) =>
  rules.filter(isOfRises).map((rule) => ({
    isCheck: globMatcher(rule.selectors['check'] ?? '*'),
    matches: labelMatcher(rule),
  })),
);

/** True if checks have figures above 0 whose growth a rule evaluates. */
export function hasFiguresOfRise(rules: readonly Rule[], checks: readonly CheckStat[]): boolean {
  if (checks.length === 0) return false;
  return matchersOfRises(rules).some(({ isCheck, matches }) =>
    checks
      .filter(({ check_name: check }) => isCheck(check))
      .some(({ check_name: check, perfdata }) =>
        writtenFigures(perfdata).some(
          ({ label, value }) => (value ?? 0) > 0 && matches((name) => (name === 'check' ? check : label)),
        ),
      ),
  );
}

function figureRule(rule: Rule): TableRule<CheckFigure> {
  const matches = labelMatcher(rule);
  const isRise = isOfRises(rule);
  return {
    ...numberRule(rule, (value, row) => (isRise ? describeRise : describeFigure)(value, row as CheckFigure)),
    describeLimit: (severity, row) => describeLimit(rule, severity, units[(row as CheckFigure).suffix]),
    // The growth of a sum says nothing: a disk that comes or goes changes it.
    matches: (figure) =>
      !(isRise && figure.isSum) &&
      matches((name) => (name === 'check' ? figure.check : name !== 'label' ? '' : isRise ? figure.sum : figure.label)),
    valueOf: isRise ? riseOf : ({ value }) => value,
  };
}

/** Returns the growth in a day; null if unknown. A figure that is not above 0 has not grown. */
function riseOf({ value, before }: CheckFigure): number | null {
  if (value === null || value <= 0) return value === null ? null : 0;
  return before === null ? null : Math.max(0, value - before);
}

/** Returns a growth in words: `12 more than a day before (20)`. */
function describeRise(value: number, figure: CheckFigure): string {
  return `${describeFigure(value, figure)} more than a day before (${describeFigure(figure.value ?? value, figure)})`;
}

/** Returns a figure in words: `57 %`, `1.5 GiB`, `0.35`. */
export function describeFigure(value: number, { suffix }: Pick<WrittenFigure, 'suffix'>): string {
  const unit = units[suffix];
  return unit === undefined ? String(rounded(value, 2)) : formatValue(unit, value);
}
