import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { lossOfDay, lossWords } from '../../storage/store/run.ts';
import { momentInWords } from '../../text/time-words.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import { fleetAlert, type FleetFacts } from './fleet-facts.ts';

/**
 * Begins an alert if a run of the last day has stored again what the database had confirmed and forgotten. Further
 * losses change its text. The alert ends a day after the last such run.
 */
export function evaluateForgotten(facts: FleetFacts, rule: Rule): readonly Alert[] {
  const { config, runs, nowMs } = facts;
  const open = facts.open('', rule.name);
  const loss = lossOfDay(runs, nowMs);
  if (loss === null) return open === null ? [] : [closeAlert(open, 'recovered', { atMs: nowMs, runId: null })];
  const valueText = lossWords(loss, (atMs) => momentInWords({ zone: config.alerts.zone, nowMs }, atMs));
  if (open !== null) return open.valueText === valueText ? [] : [{ ...open, valueText }];
  const { first } = loss;
  return [
    fleetAlert(rule, {
      subject: '',
      valueText,
      limitText: 'none within a day',
      firstEvidence: first.id,
      pendingSinceMs: first.startedAtMs,
      firingSinceMs: first.startedAtMs,
    }),
  ];
}
