import type { Rule } from '../../config/config.ts';
import type { UnprocessedVisit } from '../../storage/store/evaluation-store.ts';
import type { RuleState } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import { type Sample, clearSample, faultSample } from './sample.ts';
import { classOfVisit, isKeyFault } from './visit-conditions.ts';

/** The ends of a client's last visits, see RuleState.visits. */
export type VisitEnds = NonNullable<RuleState['visits']>;

const visitsKept = 12;
const failuresToFire = 6;
const failuresToRecover = 3;

/** Returns '' for a good visit, the error code of a failed visit, `null` for a visit that does not count. */
export function endOfVisit(visit: UnprocessedVisit): string | null {
  if (visit.ok) return '';
  const kind = classOfVisit(visit);
  return kind === null || isKeyFault(kind) || !visit.full ? null : (visit.code ?? kind);
}

/**
 * Returns the ends after one more visit; none while the client is unreachable, because that alert covers the failures.
 */
export function endsAfter(before: VisitEnds, end: string, isUnreachable: boolean): VisitEnds {
  return isUnreachable ? [] : [...before.slice(1 - visitsKept), end];
}

/** Samples the last visits: a fault if half of them failed, clear if at most a quarter did. */
export function unreliableSample(rule: Rule, ends: VisitEnds): Sample {
  const failures = ends.filter((end) => end !== '');
  const most = mostFrequent(failures);
  const often = most === null ? '' : `, most often: ${most}`;
  const valueText = `${failures.length} of the last ${visitsKept} visits failed${often}`;
  if (failures.length >= failuresToFire) return faultSample(rule, '', valueText);
  const clear = ends.length === visitsKept && failures.length <= failuresToRecover;
  return { ...clearSample(rule, '', valueText), clear };
}

/** Returns null for an empty list. */
function mostFrequent(texts: readonly string[]): string | null {
  const counts = [...groupBy(texts, (text) => text)].map(([text, same]) => ({ text, count: same.length }));
  return counts.sort((one, other) => other.count - one.count)[0]?.text ?? null;
}
