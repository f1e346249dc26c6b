import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { lossOfDay, lossWords } from '../../storage/store/run.ts';
import { momentInWords } from '../../text/time-words.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import { fleetAlert, type FleetFacts } from './fleet-facts.ts';

/**
 * Begins an alert if a run of the last day has stored again what the database had confirmed and forgotten. A further
 * loss changes its text and its sequence, so that people are notified of the loss at once. The alert ends a day after
 * the last such run.
 */
export function evaluateForgotten(facts: FleetFacts, rule: Rule): readonly Alert[] {
  const { config, runs, nowMs } = facts;
  const open = facts.open('', rule.name);
  const loss = lossOfDay(runs, nowMs);
  if (loss === null) return open === null ? [] : [closeAlert(open, 'recovered', { atMs: nowMs, runId: null })];
  const valueText = lossWords(loss, (atMs) => momentInWords({ zone: config.alerts.zone, nowMs }, atMs));
  const { length } = loss.runs;
  const [first] = loss.runs;
  const changedByRun = loss.runs.at(-1)?.id ?? null;
  if (open !== null && open.changedByRun === changedByRun) {
    return open.valueText === valueText ? [] : [{ ...open, valueText }];
  }
  // A database that forgets the alert too begins it anew. Its sequence has to exceed that of the last notification.
  if (open !== null) {
    return [{ ...open, valueText, changedByRun, sequence: Math.max(length, open.sequence + 1) }];
  }
  return [
    fleetAlert(rule, {
      subject: '',
      sequence: length,
      changedByRun,
      valueText,
      limitText: 'none within a day',
      firstEvidence: first.id,
      pendingSinceMs: first.startedAtMs,
      firingSinceMs: first.startedAtMs,
    }),
  ];
}
