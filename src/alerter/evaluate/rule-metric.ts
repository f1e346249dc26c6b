import type { Rule } from '../../config/config.ts';
import { metricByName, ruleTypeOf } from '../../config/vocabulary/rule-types.ts';
import type { Metric, Unit } from '../../report/metrics.ts';

/** Returns the one metric that a rule judges; null if it judges several or none. */
export function metricOfRule({ type, metric }: Rule): Metric | null {
  return metric === null ? (ruleTypeOf(type)?.metric ?? null) : metricByName(metric);
}

/** The unit of a rule's values and limits. */
export function unitOfRule(rule: Rule): Unit {
  return ruleTypeOf(rule.type)?.unit ?? metricOfRule(rule)?.unit ?? 'flag';
}

/** True if the subjects of a rule's type are mounts. */
export function isByMount({ type }: Pick<Rule, 'type'>): boolean {
  return ruleTypeOf(type)?.selectors.includes('mount') === true;
}

/** The group of rules that a rule competes with for a subject. */
export function rivalry({ type, metric, name }: Rule): string {
  return type ?? (metric === null ? `condition ${name}` : `metric ${metric}`);
}

/**
 * Whether what the rule judges is listed only while something is wrong with it, so that whoever is no longer listed has
 * recovered, and is not gone.
 */
export function listsFaults(rule: Rule): boolean {
  if (rule.type === 'service') return rule.state !== 'active';
  return rule.metric === 'failed_unit_failed' || (rule.origin === 'condition' && faultConditions.includes(rule.name));
}

const faultConditions: readonly string[] = ['probe-failed', 'mount-missing'];

/** What is said of a fault that is not listed any more. */
export function noFaultText({ type, name }: Rule): string {
  return type === 'service'
    ? 'not failed any more'
    : name === 'probe-failed'
      ? 'works again'
      : name === 'mount-missing'
        ? 'mounted'
        : 'no longer listed';
}

/** How many rows in a row end what fires: one good visit says it all, of figures it takes two. */
export function rowsToRecover(rule: Rule): number {
  return rule.origin === 'condition' && visitConditions.includes(rule.name) ? 1 : 2;
}

/** The conditions that follow from visits. */
export const visitConditions: readonly string[] = ['unreachable', 'host-key-changed', 'not-trusted'];
