import { createHash } from 'node:crypto';

import type { Severity } from '../../config/config.ts';
import { clipped } from './columns.ts';
import { numberOrNull, textOrNull } from '../store/record-shape.ts';
import type { Alert, AlertState, Cause, ClosedReason, Progress } from '../store/alert.ts';
import type { Values } from '../sql/insert-rows.ts';
import { fromSqlTime, sqlTime, sqlTimeOrNull } from '../sql/sql-time.ts';
import type { SqlRow } from '../sql/database.ts';

/** The columns that an evaluation changes. */
export const evaluatedColumns = [
  'severity',
  'state',
  'value',
  'value_text',
  'limit_text',
  'pending_since',
  'firing_since',
  'resolved_at',
  'closed_reason',
  'first_evidence',
  'changed_by_run',
  'sequence',
  'flapping',
  'closed_out',
  'past',
  'progress',
] as const;

/** The columns that storedAlert reads. */
export const alertColumns = [
  'id',
  'client',
  'rule',
  'subject',
  ...evaluatedColumns,
  'acknowledged_by',
  'acknowledged_until',
  'acknowledged_severity',
  'acknowledged_comment',
  'acknowledged_at',
  'cause',
].join(', ');

/** Returns the row of an alert that is stored for the first time. */
export function newAlertRow(alert: Alert): Values {
  const named = nameRow(alert);
  return { ...named, open_key: alert.state === 'resolved' ? null : named.alert_key, ...evaluatedRow(alert) };
}

/** Returns the row of an alert that has an id. */
export function knownAlertRow(alert: Alert, id: number): Values<'id'> {
  return { id, ...nameRow(alert), ...evaluatedRow(alert) };
}

/** Reads a row of `alerts`. */
export function storedAlert(row: SqlRow): Alert {
  const firingSinceMs = fromSqlTime(row['firing_since']);
  const pendingSinceMs = fromSqlTime(row['pending_since']) ?? firingSinceMs ?? 0;
  return {
    id: Number(row['id']),
    client: String(row['client']),
    rule: String(row['rule']),
    subject: String(row['subject']),
    severity: row['severity'] as Severity,
    state: row['state'] as AlertState,
    value: numberOrNull(row['value']),
    valueText: textOrNull(row['value_text']) ?? '',
    limitText: textOrNull(row['limit_text']) ?? '',
    pendingSinceMs,
    firingSinceMs,
    resolvedAtMs: fromSqlTime(row['resolved_at']),
    closedReason: textOrNull(row['closed_reason']) as ClosedReason | null,
    firstEvidence: textOrNull(row['first_evidence']) ?? '',
    changedByRun: textOrNull(row['changed_by_run']),
    sequence: Number(row['sequence']),
    flapping: row['flapping'] === 1,
    closedOut: row['closed_out'] === 1,
    past: row['past'] === 1,
    acknowledgedBy: textOrNull(row['acknowledged_by']),
    acknowledgedUntilMs: fromSqlTime(row['acknowledged_until']),
    acknowledgedSeverity: textOrNull(row['acknowledged_severity']) as Severity | null,
    acknowledgedComment: textOrNull(row['acknowledged_comment']),
    acknowledgedAtMs: fromSqlTime(row['acknowledged_at']),
    cause: storedCause(row['cause']),
    progress: storedProgress(row['progress'], pendingSinceMs),
  };
}

function nameRow({ client, rule, subject }: Alert): Values<'client' | 'rule' | 'subject' | 'alert_key'> {
  return { client, rule, subject, alert_key: alertKey(client, rule, subject) };
}

function evaluatedRow(alert: Alert): Values<(typeof evaluatedColumns)[number]> {
  return {
    severity: alert.severity,
    state: alert.state,
    value: alert.value !== null && Number.isFinite(alert.value) ? alert.value : null,
    value_text: clipped(alert.valueText, 1000),
    limit_text: clipped(alert.limitText, 255),
    pending_since: sqlTime(alert.pendingSinceMs),
    firing_since: sqlTimeOrNull(alert.firingSinceMs),
    resolved_at: sqlTimeOrNull(alert.resolvedAtMs),
    closed_reason: alert.closedReason,
    first_evidence: alert.firstEvidence,
    changed_by_run: alert.changedByRun,
    sequence: alert.sequence,
    flapping: alert.flapping ? 1 : 0,
    closed_out: alert.closedOut ? 1 : 0,
    past: alert.past ? 1 : 0,
    progress: JSON.stringify(alert.progress),
  };
}

function storedCause(text: unknown): Cause | null {
  return typeof text === 'string' ? (JSON.parse(text) as Cause) : null;
}

function storedProgress(text: unknown, sinceMs: number): Progress {
  const fresh = { holding: 0, holdingSinceMs: sinceMs, clearing: 0, missing: 0, easing: 0, lastAtMs: sinceMs };
  return typeof text === 'string' ? { ...fresh, ...(JSON.parse(text) as Partial<Progress>) } : fresh;
}

/**
 * Returns the key of an alert: SHA-256 (hex) over client, rule and subject, which together are too long for a key of
 * MySQL. `alerts.alert_key` always holds the key, `alerts.open_key` while the alert is open.
 */
export function alertKey(client: string, rule: string, subject: string): string {
  return createHash('sha256')
    .update(JSON.stringify([client, rule, subject]))
    .digest('hex');
}
