import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { formatValue } from '../evaluate/describe-value.ts';
import { newAlert } from './new-alert.ts';
import type { SampledRow } from '../evaluate/sample.ts';

/** The event that a report of another boot than the one before stands for: over as soon as it is known; null: none. */
export function rebooted(rules: readonly Rule[], bootId: string | null, sampledRow: SampledRow): Alert | null {
  if (bootId === null || sampledRow.bootId === null || sampledRow.bootId === bootId) return null;
  const rule = rules.find(({ origin, name }) => origin === 'condition' && name === 'rebooted');
  if (rule === undefined) return null;
  const { client, atMs, runId, evidence, uptimeSeconds } = sampledRow;
  const bootedAtMs = atMs - (uptimeSeconds ?? 0) * 1000;
  return {
    ...newAlert(bootedAtMs),
    client,
    rule: rule.name,
    subject: '',
    severity: rule.severity,
    state: 'resolved',
    value: uptimeSeconds,
    valueText: uptimeSeconds === null ? 'rebooted' : `up for ${formatValue('seconds', uptimeSeconds)}`,
    firingSinceMs: atMs,
    resolvedAtMs: atMs,
    closedReason: 'event',
    firstEvidence: evidence,
    changedByRun: runId,
    sequence: 1,
  };
}
