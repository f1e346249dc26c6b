import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import { hears } from '../inhibit/recipients-of.ts';
import { rivalry } from '../evaluate/rule-metric.ts';
import { compareText } from '../../text/compare-text.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import type { HoldReason } from '../inhibit/hold-reason.ts';
import type { RecipientAlert } from './recipient-alerts.ts';

/** Alerts of several rules of one type on one subject for one recipient: the worst holds the milder ones back. */
export interface Milder {
  /** Returns the worse alert that fires and that the recipient is notified of, or null. */
  readonly worseOf: (one: RecipientAlert) => HoldReason | null;
  /** True if a worse alert fired while a closed one did. */
  readonly wasBesideWorse: (one: RecipientAlert) => boolean;
}

/** Compares the alerts of one recipient; `isHeld`: something else holds an alert back. */
export function openMilder(alerts: readonly RecipientAlert[], isHeld: (one: RecipientAlert) => boolean): Milder {
  const rivals = groupBy(alerts.filter(isRival), keyOf);
  const worse = (one: RecipientAlert): readonly RecipientAlert[] => {
    const others = isRival(one) ? (rivals.get(keyOf(one)) ?? []) : [];
    return others.filter((other) => other.alert.rule !== one.alert.rule && compareBadness(other, one) < 0);
  };
  return {
    worseOf: (one) => {
      const known = worse(one).find((other) => other.alert.state === 'firing' && !isHeld(other));
      return known === undefined ? null : { kind: 'worse-rule', rule: known.alert.rule };
    },
    wasBesideWorse: (one) => worse(one).some((other) => overlaps(other.alert, one.alert)),
  };
}

function isRival({ watch: { rule }, listener, alert }: RecipientAlert): boolean {
  return rule?.origin === 'file' && !rule.also && listener !== null && hears(listener, alert.severity);
}

function keyOf({ watch: { rule }, alert: { client, subject } }: RecipientAlert): string {
  return `${client}\0${subject}\0${rule === null ? '' : rivalry(rule)}`;
}

/** Orders the worse alert first: by severity, then by the limit that is further out. */
function compareBadness(one: RecipientAlert, other: RecipientAlert): number {
  return (
    compareSeverity(one.alert.severity, other.alert.severity) ||
    limitOf(other) - limitOf(one) ||
    compareText(one.alert.rule, other.alert.rule)
  );
}

function limitOf({ watch: { rule }, alert: { severity } }: RecipientAlert): number {
  const { warning = null, critical = null, op } = rule ?? ({} as Partial<Rule>);
  const limit = (severity === 'critical' ? (critical ?? warning) : (warning ?? critical)) ?? 0;
  return op === 'lt' || op === 'le' ? -limit : limit;
}

function overlaps(one: Alert, other: Alert): boolean {
  const endMs = ({ resolvedAtMs }: Alert): number => resolvedAtMs ?? Infinity;
  const beginMs = ({ firingSinceMs }: Alert): number => firingSinceMs ?? Infinity;
  return beginMs(one) <= endMs(other) && beginMs(other) <= endMs(one);
}
