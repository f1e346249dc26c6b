import type { Rule } from '../../config/config.ts';
import type { UnprocessedVisit } from '../../storage/store/alert-store.ts';
import type { RuleState } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { Sample } from './sample.ts';
import { faultSample, clearSample } from './make-sample.ts';
import { classOfVisit } from './visit-conditions.ts';

/** How the last visits of a client ended, see RuleState.visits. */
export type VisitEnds = NonNullable<RuleState['visits']>;

const visitsKept = 12;
const failuresToFire = 6;
const failuresToRecover = 3;

/** Returns '' for a good visit, the error code of a failed one, and null for one that does not count. */
export function endOfVisit(visit: UnprocessedVisit): string | null {
  if (visit.ok) return '';
  const kind = classOfVisit(visit);
  const keyFault = kind === 'host key changed' || kind === 'not trusted';
  return kind === null || keyFault || !visit.full ? null : (visit.code ?? kind);
}

/** The last visits after one more; none while the client is unreachable, because that alert tells of the failures. */
export function endsAfter(before: VisitEnds, end: string, isUnreachable: boolean): VisitEnds {
  return isUnreachable ? [] : [...before.slice(1 - visitsKept), end];
}

/** The condition `unreliable`, or null where it is not in force. */
export function unreliableRule(rules: readonly Rule[]): Rule | null {
  return rules.find(({ origin, name }) => origin === 'condition' && name === 'unreliable') ?? null;
}

/** Reads the last visits: half of them failed, or at most a quarter of them and the alert may end. */
export function unreliableSample(rule: Rule, ends: VisitEnds): Sample {
  const failures = ends.filter((end) => end !== '');
  const most = mostFrequent(failures);
  const often = most === null ? '' : `, most often: ${most}`;
  const valueText = `${failures.length} of the last ${visitsKept} visits failed${often}`;
  if (failures.length >= failuresToFire) return faultSample({ rule, subject: '', valueText });
  const clear = ends.length === visitsKept && failures.length <= failuresToRecover;
  return { ...clearSample({ rule, subject: '', valueText }), clear };
}

/** Returns null for an empty list. */
function mostFrequent(texts: readonly string[]): string | null {
  const counts = [...groupBy(texts, (text) => text)].map(([text, same]) => ({ text, count: same.length }));
  return counts.sort((one, other) => other.count - one.count)[0]?.text ?? null;
}
