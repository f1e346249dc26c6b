import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { canaryWords } from '../../storage/store/reply-store.ts';
import { momentInWords } from '../../text/time-words.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import { fleetAlert, type FleetFacts } from './fleet-facts.ts';

/**
 * Begins an alert if no canary came back, which is critical, or if one came late, into Junk or more than once, which is
 * a warning. The alert ends with a canary that is back in time.
 */
export function evaluateMailPath(facts: FleetFacts, rule: Rule): readonly Alert[] {
  const { config, canary, nowMs } = facts;
  const open = facts.open('', rule.name);
  const found = canary?.found ?? null;
  if (found === null) {
    return open === null ? [] : [closeAlert(open, 'unwatched', { atMs: nowMs, runId: null })];
  }
  const valueText = canaryWords(found, (atMs) => momentInWords({ zone: config.alerts.zone, nowMs }, atMs));
  if (found.kind === 'well') {
    if (open === null) return [];
    return [{ ...closeAlert(open, 'recovered', { atMs: found.atMs, runId: null }), valueText }];
  }
  const severity = found.kind === 'lost' ? rule.severity : 'warning';
  if (open !== null && open.severity === severity) return open.valueText === valueText ? [] : [{ ...open, valueText }];
  if (open !== null) return [{ ...open, severity, valueText, sequence: open.sequence + 1 }];
  return [
    fleetAlert(rule, {
      severity,
      subject: '',
      valueText,
      limitText: 'back within 15 min',
      firstEvidence: `canary ${new Date(found.roundMs).toISOString()}`,
      pendingSinceMs: found.ofMs,
      firingSinceMs: found.atMs,
    }),
  ];
}
