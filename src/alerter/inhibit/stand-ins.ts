import type { Alert } from '../../storage/store/alert.ts';
import type { DispatchInput } from './dispatch-input.ts';
import { stoodForBy } from './recipients-of.ts';

/** Returns a function that finds the collector's own fault that was open when a client's alert fired (`stoodForBy`). */
export function createStandIns({
  alerts,
  collectorOfRun,
}: Pick<DispatchInput, 'alerts' | 'collectorOfRun'>): (alert: Alert) => Alert | null {
  const begun = alerts.filter(({ client, state }) => client === '' && state !== 'pending');
  const byRule = new Map(
    [...stoodForBy].map(([rule, condition]) => [condition, begun.filter((one) => one.rule === rule)] as const),
  );
  return (alert) => {
    const own = alert.client === '' ? undefined : byRule.get(alert.rule);
    if (own === undefined || alert.firingSinceMs === null || alert.progress.isNetwork === false) return null;
    const begunMs = alert.firingSinceMs;
    const collector = collectorOfRun?.get(alert.changedByRun ?? '') ?? null;
    const standIn = own.find(
      (one) =>
        (collector === null || collector === one.subject) &&
        one.pendingSinceMs <= begunMs &&
        (one.resolvedAtMs === null || begunMs < one.resolvedAtMs),
    );
    return standIn ?? null;
  };
}
