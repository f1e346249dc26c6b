import type { Rule } from '../../config/config.ts';
import { enoughPercent, lowPercent } from '../../state/state-disk.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { formatValue } from '../evaluate/describe-value.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import { fleetAlert, type FleetFacts } from './fleet-facts.ts';

/**
 * Begins an alert for each file system of collectors and alerters that is nearly full: they lose what they cannot
 * store. It ends when clearly more is free. It stays as it is if no program has reported the file system lately.
 */
export function evaluateStateDisks(facts: FleetFacts, rule: Rule): readonly Alert[] {
  return (facts.stateDisks ?? []).flatMap((disk): readonly Alert[] => {
    const { host, path, freePercent, availableBytes, observedAtMs } = disk;
    const subject = `${host}:${path}`;
    const open = facts.open('', rule.name, subject);
    if (open !== null) {
      if (freePercent < enoughPercent || observedAtMs <= open.pendingSinceMs) return [];
      return [closeAlert(open, 'recovered', { atMs: observedAtMs, runId: null })];
    }
    if (freePercent >= lowPercent) return [];
    const left = `${freePercent.toFixed(1)} % (${formatValue('bytes', availableBytes)}) is free on ${host} in ${path}`;
    return [
      fleetAlert(rule, {
        subject,
        valueText: left,
        limitText: `less than ${lowPercent} %`,
        firstEvidence: `${subject} ${new Date(observedAtMs).toISOString()}`.slice(-255),
        pendingSinceMs: observedAtMs,
        firingSinceMs: observedAtMs,
      }),
    ];
  });
}
