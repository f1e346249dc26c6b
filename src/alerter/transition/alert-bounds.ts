import type { Severity } from '../../config/config.ts';
import type { ClosedReason, Alert, Progress } from '../../storage/store/alert.ts';
import { describeLimit } from '../evaluate/describe-value.ts';
import { newAlert } from './new-alert.ts';
import { worstAfter } from './worst-row.ts';
import type { Observation, Reading } from '../evaluate/observation.ts';

/** The first row that holds: an alert is pending. */
export function beginAlert(
  reading: Reading,
  severity: Severity,
  { client, atMs, runId, evidence }: Pick<Observation, 'client' | 'atMs' | 'runId' | 'evidence'>,
): Alert {
  const { rule, subject, value, valueText } = reading;
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
    limitText: limitOf(reading, severity),
    firstEvidence: evidence,
    changedByRun: runId,
    progress: { ...begun.progress, ...worstAfter(undefined, reading, { atMs }), ...networkAfter({}, reading) },
  };
}

/** Returns what progress keeps of the cause after one more reading: a row that is well names none. */
export function networkAfter(
  { isNetwork: before }: Pick<Progress, 'isNetwork'>,
  { isNetwork = before }: Reading,
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
    settled: !fired,
  };
}

/** The limit of the severity that holds, for people. */
export function limitOf(reading: Reading, severity: Severity): string {
  return reading.level === severity ? reading.limitText : describeLimit(reading.rule, severity);
}
