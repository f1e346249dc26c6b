import type { Severity } from '../../config/config.ts';
import type { ClosedReason, Alert, Progress } from '../../storage/store/alert.ts';
import { describeLimit } from '../evaluate/describe-value.ts';
import { newAlert } from './new-alert.ts';
import { worstAfter } from './worst-row.ts';
import type { SampledRow, Sample } from '../evaluate/sample.ts';

/** The first row that holds: an alert is pending. */
export function beginAlert(
  sample: Sample,
  severity: Severity,
  { client, atMs, runId, evidence }: Pick<SampledRow, 'client' | 'atMs' | 'runId' | 'evidence'>,
): Alert {
  const { rule, subject, value, valueText } = sample;
  const begun = newAlert(atMs);
  return {
    ...begun,
    client,
    rule: rule.name,
    subject,
    severity,
    state: 'pending',
    value,
    valueText,
    limitText: limitOf(sample, severity),
    firstEvidence: evidence,
    changedByRun: runId,
    progress: { ...begun.progress, ...worstAfter(undefined, sample, { atMs }), ...networkAfter({}, sample) },
  };
}

/** Returns what progress keeps of the cause after one more sample: a row that is well names none. */
export function networkAfter(
  { isNetwork: before }: Pick<Progress, 'isNetwork'>,
  { isNetwork = before }: Sample,
): Pick<Progress, 'isNetwork'> {
  return isNetwork === undefined ? {} : { isNetwork };
}

/** Ends an open alert. What never fired is nobody's business: it is settled at once. */
export function closeAlert(
  alert: Alert,
  reason: ClosedReason,
  row: { readonly atMs: number; readonly runId: string | null },
): Alert {
  const fired = alert.state === 'firing';
  return {
    ...alert,
    state: 'resolved',
    resolvedAtMs: row.atMs,
    closedReason: fired ? reason : 'unconfirmed',
    changedByRun: row.runId,
    sequence: alert.sequence + 1,
    flapping: false,
    closedOut: !fired,
  };
}

/** The limit of the severity that holds, for people. */
export function limitOf(sample: Sample, severity: Severity): string {
  return sample.level === severity ? sample.limitText : describeLimit(sample.rule, severity);
}
