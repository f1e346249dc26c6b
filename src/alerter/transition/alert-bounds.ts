import type { Rule, Severity } from '../../config/config.ts';
import type { Alert, ClosedReason } from '../../storage/store/alert.ts';
import { describeLimit, formatValue } from '../evaluate/describe-value.ts';
import { findRule } from '../evaluate/find-rule.ts';
import type { Sample, SampledRow } from '../evaluate/sample.ts';
import { networkAfter, worstAfter } from './progress.ts';

type Named = 'client' | 'rule' | 'subject' | 'severity' | 'state' | 'valueText' | 'firstEvidence' | 'changedByRun';

/** Returns a new alert: not stored, not acknowledged, with one row that holds. */
export function newAlert(begun: Pick<Alert, Named | 'pendingSinceMs'> & Partial<Alert>): Alert {
  return {
    id: null,
    value: null,
    limitText: '',
    firingSinceMs: null,
    resolvedAtMs: null,
    closedReason: null,
    sequence: 0,
    flapping: false,
    closedOut: false,
    past: false,
    acknowledgedBy: null,
    acknowledgedUntilMs: null,
    acknowledgedSeverity: null,
    progress: firstProgress(begun.pendingSinceMs),
    ...begun,
  };
}

function firstProgress(atMs: number): Alert['progress'] {
  return { holding: 1, holdingSinceMs: atMs, clearing: 0, missing: 0, easing: 0, lastAtMs: atMs };
}

/** Returns the pending alert of the first row that holds. */
export function beginAlert(
  sample: Sample,
  severity: Severity,
  { client, atMs, runId, evidence }: Pick<SampledRow, 'client' | 'atMs' | 'runId' | 'evidence'>,
): Alert {
  const { rule, subject, value, valueText } = sample;
  return newAlert({
    client,
    rule: rule.name,
    subject,
    severity,
    state: 'pending',
    value,
    valueText,
    limitText: limitOf(sample, severity),
    pendingSinceMs: atMs,
    firstEvidence: evidence,
    changedByRun: runId,
    progress: {
      ...firstProgress(atMs),
      ...worstAfter(undefined, sample, { atMs }),
      ...networkAfter({}, sample),
    },
  });
}

/**
 * Returns the event `rebooted` if a report is of another boot than the report before, else `null`. The event is over
 * as soon as it is known.
 */
export function rebootAlert(rules: readonly Rule[], bootId: string | null, row: SampledRow): Alert | null {
  const rule = findRule(rules, 'rebooted');
  if (rule === null || bootId === null || row.bootId === null || row.bootId === bootId) return null;
  const { client, atMs, runId, evidence, uptimeSeconds } = row;
  return newAlert({
    client,
    rule: rule.name,
    subject: '',
    severity: rule.severity,
    state: 'resolved',
    value: uptimeSeconds,
    valueText: uptimeSeconds === null ? 'rebooted' : `up for ${formatValue('seconds', uptimeSeconds)}`,
    pendingSinceMs: atMs - (uptimeSeconds ?? 0) * 1000,
    firingSinceMs: atMs,
    resolvedAtMs: atMs,
    closedReason: 'event',
    firstEvidence: evidence,
    changedByRun: runId,
    sequence: 1,
  });
}

/** Ends an open alert. An alert that never fired is closed out at once: nobody was notified. */
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

/** Returns the limit of a severity, for people. */
export function limitOf(sample: Sample, severity: Severity): string {
  return sample.level === severity ? sample.limitText : describeLimit(sample.rule, severity);
}
