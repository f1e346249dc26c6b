import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { newAlert } from '../transition/new-alert.ts';

export interface FleetAlert {
  readonly rule: Rule;
  readonly client: string;
  readonly subject: string;
  readonly valueText: string;
  readonly limitText: string;
  readonly evidence: string;
  readonly runId: string | null;
  readonly sinceMs: number;
  /** null: it is pending. */
  readonly firingSinceMs: number | null;
}

/** The beginning of an alert that follows from no row. */
export function beginFleetAlert(begun: FleetAlert): Alert {
  const { rule, client, subject, valueText, limitText, evidence, runId, sinceMs, firingSinceMs } = begun;
  return {
    ...newAlert(sinceMs),
    client,
    rule: rule.name,
    subject,
    severity: rule.severity,
    state: firingSinceMs === null ? 'pending' : 'firing',
    valueText,
    limitText,
    firingSinceMs,
    firstEvidence: evidence,
    changedByRun: runId,
    sequence: firingSinceMs === null ? 0 : 1,
  };
}
