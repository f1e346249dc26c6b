/** src/storage/rows: record <-> row. */
import { createHash } from 'node:crypto';

import { clipped } from './columns.ts';
import type { Alert } from '../store/alert.ts';
import type { Values } from '../sql/insert-rows.ts';
import { sqlTime, sqlTimeOrNull } from '../sql/sql-time.ts';

/** The columns that name an alert. An evaluation changes all others. */
export const nameColumns: readonly string[] = ['id', 'client', 'rule', 'subject', 'alert_key'];

/** Returns the row of an alert that is stored for the first time. */
export function newAlertRow(alert: Alert): Values {
  const named = nameRow(alert);
  return { ...named, open_key: alert.state === 'resolved' ? null : named.alert_key, ...evaluatedRow(alert) };
}

/** Returns the row of an alert that has an id. */
export function knownAlertRow(alert: Alert, id: number): Values {
  return { id, ...nameRow(alert), ...evaluatedRow(alert) };
}

function nameRow({ client, rule, subject }: Alert): Values<'client' | 'rule' | 'subject' | 'alert_key'> {
  return { client, rule, subject, alert_key: alertKey(client, rule, subject) };
}

function evaluatedRow(alert: Alert): Values {
  return {
    // A program that does not know the column leaves it empty.
    about: alert.about,
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

/**
 * Returns the key of an alert: SHA-256 (hex) over client, rule and subject, which together are too long for a key of
 * MySQL. `alerts.alert_key` always holds the key, `alerts.open_key` while the alert is open.
 */
export function alertKey(client: string, rule: string, subject: string): string {
  return createHash('sha256')
    .update(JSON.stringify([client, rule, subject]))
    .digest('hex');
}
