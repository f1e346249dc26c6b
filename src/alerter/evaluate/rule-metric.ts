import { kindOf } from '../../about/kinds.ts';
import type { Config, Rule } from '../../config/config.ts';
import { metricByName, ruleTypeOf } from '../../config/vocabulary/rule-types.ts';
import type { Metric, Unit } from '../../report/metrics.ts';
import type { Alert } from '../../storage/store/alert.ts';

/** Returns the one metric of a rule; `null` if it has several or none. */
export function metricOfRule({ type, metric }: Rule): Metric | null {
  return metric === null ? (ruleTypeOf(type)?.metric ?? null) : metricByName(metric);
}

/** Returns the unit of a rule's values and limits. */
export function unitOfRule(rule: Rule): Unit {
  return ruleTypeOf(rule.type)?.unit ?? metricOfRule(rule)?.unit ?? 'flag';
}

/** True if the subjects of a rule's type are mounts. */
export function isByMount({ type }: Pick<Rule, 'type'>): boolean {
  return ruleTypeOf(type)?.selectors.includes('mount') === true;
}

/** Returns the part of a file system that a rule foresees to be used up; `null` if it evaluates reports or visits. */
export function foreseenBy({ type }: Pick<Rule, 'type'>): 'space' | 'inodes' | null {
  return ruleTypeOf(type)?.foresees ?? null;
}

/** The types of rules that evaluate how full a file system is now. */
const nearlyFull: Readonly<Record<'space' | 'inodes', readonly string[]>> = {
  space: ['disk', 'disk-free'],
  inodes: ['inodes'],
};

/** True if alerts of a rule report the state that the other rule foresees: a file system that is nearly full. */
export function isNearlyFull({ type }: Pick<Rule, 'type'>, other: Pick<Rule, 'type'>): boolean {
  const foreseen = foreseenBy(other);
  return foreseen !== null && type !== null && nearlyFull[foreseen].includes(type);
}

/**
 * Returns the usual time between two rows that a rule evaluates: forecasts are evaluated once a day, outliers each
 * hour.
 */
export function rhythmMs(rule: Pick<Rule, 'type'> | null, { collector }: Pick<Config, 'collector'>): number {
  return ruleTypeOf(rule?.type)?.everyMs ?? collector.everyMs;
}

/** Returns the group of rules that a rule competes with for subjects. */
export function rivalry({ type, metric, name }: Rule): string {
  return type ?? (metric === null ? `condition ${name}` : `metric ${metric}`);
}

/**
 * True if the rule's subjects are listed only while they are at fault. Such a subject has recovered, and has not
 * disappeared, once it is no longer listed.
 */
export function listsFaults(rule: Rule): boolean {
  if (rule.type === 'service') return rule.state !== 'active';
  return rule.metric === 'failed_unit_failed' || (rule.origin === 'condition' && faultConditions.includes(rule.name));
}

const faultConditions: readonly string[] = ['probe-failed', 'mount-missing', 'check-untrusted'];

/** Returns the text for a fault that is no longer listed. */
export function noFaultText({ type, name }: Rule): string {
  return type === 'service'
    ? 'not failed any more'
    : name === 'probe-failed'
      ? 'works again'
      : name === 'mount-missing'
        ? 'mounted'
        : name === 'check-untrusted'
          ? 'no longer refused'
          : 'no longer listed';
}

/**
 * Returns the number of consecutive clear rows that resolve an alert: one event, one visit that saw the known host key,
 * or one report after an hour without a boot; else two. A condition that one failed visit fulfils is resolved by one
 * good visit.
 */
export function rowsToRecover({ type, origin, name, forCount }: Rule): number {
  if (origin !== 'condition') return type === 'event' ? 1 : 2;
  return oneRowResolves.includes(name) || (name === 'unreachable' && forCount === 1) ? 1 : 2;
}

const oneRowResolves: readonly string[] = ['host-key-changed', 'not-trusted', 'reboots'];

/** The conditions that follow from visits. */
export const visitConditions: readonly string[] = ['unreachable', 'host-key-changed', 'not-trusted'];

/** True if an alert follows from rows of its client, and not from missing ones or from runs. */
export function isOfRows(alert: Pick<Alert, 'about' | 'rule'>): boolean {
  return kindOf(alert).followsRows && alert.rule !== 'no-report';
}
