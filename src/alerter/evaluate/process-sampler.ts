import type { Rule } from '../../config/config.ts';
import { numberRule, numberSample } from './make-sample.ts';
import { numberOf, textOf } from './report-families.ts';
import { applicableRules } from './sampler.ts';
import type { Sampler } from './sampler.ts';

export function readsProcesses(rule: Rule): boolean {
  return rule.type === 'process';
}

/** Counts the processes that rules look for; the subject is what a rule's `match` says. */
export function createProcessSampler(rules: readonly Rule[]): Sampler {
  const own = rules.filter(readsProcesses).map((rule) => ({
    ...numberRule(rule, (count) => `${count} ${count === 1 ? 'process' : 'processes'}`),
    match: rule.selectors['match'] ?? '',
  }));
  const names = own.map(({ rule }) => rule.name);
  const judged = [...new Set(own.map(({ match }) => match))].flatMap((match) =>
    applicableRules(
      own,
      match,
      ({ rule, match: own }) => own === match && !rule.except.some((one) => one['match'] === match),
    ),
  );
  return ({ families }, { samples, complete }) => {
    if (names.length === 0 || families === null) return;
    const counts = new Map(
      (families.of('process_match')?.rows ?? []).map((row) => [textOf(row, 'match'), numberOf(row, 'count')]),
    );
    for (const judge of judged) samples.push(numberSample(judge, judge.match, counts.get(judge.match) ?? null));
    complete.push(...names);
  };
}
