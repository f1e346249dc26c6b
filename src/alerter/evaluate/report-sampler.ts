import type { Rule } from '../../config/config.ts';
import type { Row } from '../../report/report.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { Sample } from './sample.ts';
import { numberRule, numberSample } from './make-sample.ts';
import type { NumberRule } from './make-sample.ts';
import { numberOf, textOf } from './report-families.ts';
import { readsDisks } from './disk-sampler.ts';
import { readsNetworks } from './network-sampler.ts';
import { readsColumn } from './row-sampler.ts';
import { metricOfRule, rivalry } from './rule-metric.ts';
import { applicableRules, labelMatcher } from './sampler.ts';
import type { LabelMatcher, Sampler } from './sampler.ts';

interface FamilyRule extends NumberRule {
  readonly field: string;
  readonly matches: LabelMatcher;
}

/** Whether a rule is judged by whole reports only: no column and no table of its own holds what it judges. */
export function readsReport(rule: Rule): boolean {
  if (readsColumn(rule) || readsDisks(rule) || readsNetworks(rule)) return false;
  return metricOfRule(rule) !== null && rule.type !== 'process';
}

/** Reads any metric of a report, by the globs over its labels; the first label of a family is its subject. */
export function createReportSampler(rules: readonly Rule[]): Sampler {
  const own = rules.filter(readsReport).flatMap((rule) => {
    const metric = metricOfRule(rule);
    if (metric === null) return [];
    const judge: FamilyRule = { ...numberRule(rule), field: metric.field, matches: labelMatcher(rule) };
    return [{ ...judge, family: metric.family, label: subjectLabel(metric.family, metric.labels) }];
  });
  const families = [...groupBy(own, ({ family }) => family)].map(([family, rules]) => ({
    family,
    label: rules[0]?.label ?? '',
    names: rules.map(({ rule }) => rule.name),
    byRivalry: [...groupBy(rules, ({ rule }) => rivalry(rule)).values()],
  }));
  return ({ families: report }, { samples, complete }) => {
    if (report === null) return;
    for (const { family, label, names, byRivalry } of families) {
      const found = report.of(family);
      if (found === null) continue;
      for (const rivals of byRivalry) samples.push(...samplesOf(rivals, found.rows, label));
      if (found.whole) complete.push(...names);
    }
  };
}

/** The label that names a row; '' where a family has one row a client. */
function subjectLabel(family: string, labels: readonly string[]): string {
  return family === 'os' ? '' : (labels[0] ?? '');
}

/** Of several rows of one subject, as two processes of one name, the worst counts. */
function samplesOf(rivals: readonly FamilyRule[], rows: readonly Row[], label: string): Iterable<Sample> {
  const worst = new Map<string, Sample>();
  for (const row of rows) {
    const subject = label === '' ? '' : textOf(row, label);
    for (const judge of applicableRules(rivals, subject, ({ matches }) => matches((name) => textOf(row, name)))) {
      const key = `${judge.rule.name}\0${subject}`;
      const sample = numberSample(judge, subject, numberOf(row, judge.field));
      const other = worst.get(key);
      if (other === undefined || badness(sample) > badness(other)) worst.set(key, sample);
    }
  }
  return worst.values();
}

const order: readonly Sample['level'][] = ['unknown', 'none', 'warning', 'critical'];

function badness({ level, clear }: Sample): number {
  return order.indexOf(level) * 2 - (clear ? 1 : 0);
}
