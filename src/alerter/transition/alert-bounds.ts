/** src/alerter/transition: levels -> states. */
import type { Rule, Severity } from '../../config/config.ts';
import type { Alert, ClosedReason } from '../../storage/store/alert.ts';
import { hourMs } from '../../platform/units.ts';
import { describeLimit, formatValue } from '../evaluate/describe-value.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import type { Sample, SampledRow } from '../evaluate/sample.ts';
import { networkAfter, worstAfter } from './progress.ts';

type Named =
  'about' | 'client' | 'rule' | 'subject' | 'severity' | 'state' | 'valueText' | 'firstEvidence' | 'changedByRun';

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
  {
    about,
    client,
    atMs,
    runId,
    evidence,
  }: Required<Pick<SampledRow, 'about' | 'client' | 'atMs' | 'runId' | 'evidence'>>,
): Alert {
  const { rule, subject, value, valueText } = sample;
  return newAlert({
    about,
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
      ...networkAfter({}, sample, { runId }),
    },
  });
}

/**
 * Returns the event `rebooted` if a report is of another boot than the report before, else `null`. The event is over
 * as soon as it is known.
 */
export function rebootAlert(rules: readonly Rule[], bootId: string | null, row: SampledRow): Alert | null {
  if (bootId === null || row.bootId === null || row.bootId === bootId) return null;
  const rule = findRule(rules, 'rebooted');
  if (rule === null) return null;
  const { atMs, uptimeSeconds } = row;
  return eventAlert(rule, row, {
    value: uptimeSeconds,
    valueText: uptimeSeconds === null ? 'rebooted' : `up for ${formatValue('seconds', uptimeSeconds)}`,
    sinceMs: atMs - (uptimeSeconds ?? 0) * 1000,
  });
}

/** Returns an alert that is over as soon as it is known. */
function eventAlert(
  { name, severity }: Rule,
  { client, atMs, runId, evidence }: SampledRow,
  { value, valueText, sinceMs }: Pick<Alert, 'value' | 'valueText'> & { readonly sinceMs: number },
): Alert {
  return newAlert({
    about: 'client',
    client,
    rule: name,
    subject: '',
    severity,
    state: 'resolved',
    value,
    valueText,
    pendingSinceMs: sinceMs,
    firingSinceMs: atMs,
    resolvedAtMs: atMs,
    closedReason: 'event',
    firstEvidence: evidence,
    changedByRun: runId,
    sequence: 1,
  });
}

/**
 * Returns the event `oom-kill` if the kernel killed processes since the previous report, and none in the hour before;
 * else `null`. Repeated kills are one event.
 */
export function oomKillAlert(rules: readonly Rule[], killedAtMs: number | null, row: SampledRow): Alert | null {
  const { oomKills, oomKilled, atMs } = row;
  if (!hasKills(row) || Math.abs(atMs - (killedAtMs ?? -Infinity)) < hourMs) return null;
  const rule = findRule(rules, 'oom-kill');
  if (rule === null) return null;
  const valueText = `${oomKills} ${oomKills === 1 ? 'process' : 'processes'} killed for want of memory${oomKilled.length === 0 ? '' : `: ${oomKilled.join(', ')}`}`;
  return eventAlert(rule, row, { value: oomKills, valueText, sinceMs: atMs });
}

/** True if the kernel killed processes for want of memory since the previous report. */
export function hasKills({ oomKills }: SampledRow): boolean {
  return oomKills !== null && oomKills > 0;
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
