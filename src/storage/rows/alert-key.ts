import { createHash } from 'node:crypto';

/**
 * The key of an alert: SHA-256 (hex) over client, rule and subject, which together are too long for a key of
 * MySQL. `alerts.alert_key` holds it always, `alerts.open_key` while the alert is open.
 */
export function alertKey(client: string, rule: string, subject: string): string {
  return createHash('sha256')
    .update(JSON.stringify([client, rule, subject]))
    .digest('hex');
}
