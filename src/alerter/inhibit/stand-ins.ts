import { isOwnFault } from '../../platform/errors/errors.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { Config, Rule, Severity } from '../../config/config.ts';
import { ruleLists } from '../../config/rules/rule-matcher.ts';
import { kindOf } from '../../about/kinds.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { worstSeverity } from '../../config/recipients/listeners.ts';

/** The conditions of clients, by the conditions of the fleet that stand for them. */
export const stoodForBy = new Map([
  ['collector-isolated', 'unreachable'],
  ['collector-silent', 'no-report'],
  ['collector-fault', 'no-report'],
]);

/** Returns the worst severity of an alert of the fleet, including that of the alerts that it stands for. */
export function worstOfFleet(rule: Rule, config: Config): Severity {
  const condition = stoodForBy.get(rule.name);
  const lists = condition === undefined ? [] : ruleLists(config);
  const isCritical = lists.flat().some((one) => one.name === condition && worstSeverity(one) === 'critical');
  return isCritical ? 'critical' : worstSeverity(rule);
}

/** Returns a function that finds the collector's own fault that was open when a client's alert fired (`stoodForBy`). */
export function createStandIns({
  alerts,
  collectorOfRun,
}: {
  readonly alerts: readonly Alert[];
  readonly collectorOfRun?: ReadonlyMap<string, string> | undefined;
}): (alert: Alert) => Alert | null {
  const begun = alerts.filter((alert) => !kindOf(alert).followsRows && alert.state !== 'pending');
  const byRule = groupBy(begun, ({ rule }) => stoodForBy.get(rule));
  return (alert) => {
    const own = kindOf(alert).followsRows ? byRule.get(alert.rule) : undefined;
    if (own === undefined || alert.firingSinceMs === null || alert.progress.isNetwork === false) return null;
    const begunMs = alert.firingSinceMs;
    const collector = collectorOfRun?.get(alert.changedByRun ?? '') ?? null;
    const standIn = own.find(
      (one) =>
        (collector === null || collector === one.subject) &&
        // It stands for the clients alone whose visits it has failed.
        (one.rule !== 'collector-fault' || isOwnFault(alert.progress.code ?? null)) &&
        one.pendingSinceMs <= begunMs &&
        (one.resolvedAtMs === null || begunMs < one.resolvedAtMs),
    );
    return standIn ?? null;
  };
}
