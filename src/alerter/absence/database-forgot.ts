import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { type Loss, lossOfDay } from '../../storage/store/run.ts';
import { counted } from '../../text/numbers.ts';
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

/** Describes a loss: `the database has lost 37 stored reports of 09:12 to 09:14; they are stored again`. */
export function lossWords({ restored, reports, fromMs, toMs, note }: Loss, moment: (atMs: number) => string): string {
  const records = restored - reports;
  const what = [
    ...(reports > 0 ? [counted(reports, 'stored report')] : []),
    ...(records > 0 ? [counted(records, 'stored record')] : []),
  ].join(' and ');
  const [from, to] = [fromMs, toMs].map((atMs) => (atMs === null ? null : moment(atMs)));
  const span = from === null || to === null ? '' : ` of ${from}${from === to ? '' : ` to ${to}`}`;
  const again = restored === 1 ? 'it is' : 'they are';
  return `the database has lost ${what}${span}; ${again} stored again${note === null ? '' : `. ${note}`}`;
}
