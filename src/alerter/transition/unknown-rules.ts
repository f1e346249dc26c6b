import type { Rule } from '../../config/config.ts';
import type { Report } from '../../report/report.ts';
import type { RuleState } from '../../storage/store/alert.ts';
import type { SampledRow } from '../evaluate/sample.ts';
import { ruleTypeOf } from '../../config/vocabulary/rule-types.ts';
import { listsFaults, metricOfRule } from '../evaluate/rule-metric.ts';

/** Rules without a value in the newest report, see RuleState.unknown. */
export type UnknownRules = NonNullable<RuleState['unknown']>;

const none: UnknownRules = {};

/** Returns the rules without a value in a report. Rules that were unknown before keep their time. */
export function unknownAfter(
  rules: readonly Rule[],
  before: UnknownRules,
  { atMs, samples, complete }: SampledRow,
): UnknownRules {
  const silent: { readonly name: string; readonly matches: boolean }[] = [];
  for (const rule of rules) {
    const { name, origin, selectors } = rule;
    if (samples.some((sample) => sample.rule === rule && sample.level !== 'unknown')) continue;
    const matches = !complete.includes(name) || samples.some((sample) => sample.rule === rule);
    // The rule has no subject because there is no fault, or because another rule was chosen.
    if (!matches && (listsFaults(rule) || origin !== 'file' || Object.keys(selectors).length === 0)) continue;
    silent.push({ name, matches });
  }
  if (silent.length === 0) return none;
  const isSame = silent.every(({ name, matches }) => before[name]?.matches === matches);
  if (isSame && silent.length === Object.keys(before).length) return before;
  const unknown: Record<string, UnknownRules[string]> = {};
  for (const { name, matches } of silent) {
    const was = before[name];
    unknown[name] = was?.matches === matches ? was : { sinceMs: atMs, matches };
  }
  return unknown;
}

/** True if reports have values for the rule. */
export function isOfReports(rule: Rule): boolean {
  return (rule.type !== null || rule.metric !== null) && (ruleTypeOf(rule.type)?.everyMs ?? null) === null;
}

/** Returns the client's reason for the missing value of a rule; null if the client gave none. */
export function reasonInReport(rule: Rule, { worker_reports: workers }: Report): string | null {
  const metric = metricOfRule(rule);
  const families = metric === null ? (ruleTypeOf(rule.type)?.families ?? []) : [metric.family];
  for (const family of families) {
    for (const { error, function_reports: functions } of workers) {
      const found = functions.find(({ name }) => name === family);
      if (found === undefined) continue;
      const unknown = (found.unknown ?? []).find(({ field }) => metric === null || field === metric.field);
      const reason = unknown?.reason ?? error;
      if (reason !== null) return reason;
    }
  }
  // A probe that failed as a whole lists no family.
  return (
    workers.find(({ name, error }) => error !== null && families.some((one) => name.startsWith(one)))?.error ?? null
  );
}
