import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import { hears } from '../inhibit/recipients-of.ts';
import { rivalry } from '../evaluate/rule-metric.ts';
import { compareText } from '../../text/compare-text.ts';
import { compareSeverity } from '../transition/compare-severity.ts';
import type { HoldReason } from '../inhibit/hold-reason.ts';
import type { RecipientAlert } from './news.ts';

/** What several rules of one type say of one subject to one recipient: the worst holds the milder ones back. */
export interface Milder {
  /** The worse alert that fires and that the recipient is told of; null: there is none. */
  readonly worseOf: (matter: RecipientAlert) => HoldReason | null;
  /** True if a worse alert fired at a time of a closed one. */
  readonly wasBesideWorse: (matter: RecipientAlert) => boolean;
}

/** Compares the matters of one recipient; `isHeld`: something else holds a matter back. */
export function openMilder(matters: readonly RecipientAlert[], isHeld: (matter: RecipientAlert) => boolean): Milder {
  const rivals = groupBy(matters.filter(isRival), keyOf);
  const worse = (matter: RecipientAlert): readonly RecipientAlert[] => {
    const others = isRival(matter) ? (rivals.get(keyOf(matter)) ?? []) : [];
    return others.filter((other) => other.alert.rule !== matter.alert.rule && compareBadness(other, matter) < 0);
  };
  return {
    worseOf: (matter) => {
      const told = worse(matter).find((other) => other.alert.state === 'firing' && !isHeld(other));
      return told === undefined ? null : { kind: 'worse-rule', rule: told.alert.rule };
    },
    wasBesideWorse: (matter) => worse(matter).some((other) => overlaps(other.alert, matter.alert)),
  };
}

function isRival({ watch: { rule }, listener, alert }: RecipientAlert): boolean {
  return rule?.origin === 'file' && !rule.also && listener !== null && hears(listener, alert.severity);
}

function keyOf({ watch: { rule }, alert: { client, subject } }: RecipientAlert): string {
  return `${client}\0${subject}\0${rule === null ? '' : rivalry(rule)}`;
}

/** The worse one first: by severity, then by the limit that is further out. */
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
