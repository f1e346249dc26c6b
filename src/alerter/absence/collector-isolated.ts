import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { groupBy } from '../../platform/group-by.ts';
import { visitCause } from '../evaluate/visit-conditions.ts';
import { isReturning } from '../inhibit/difference.ts';
import { openLostParents } from '../inhibit/lost-parents.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import { finishedRuns, fleetAlert, type FinishedRunFact, type FleetFacts } from './fleet-facts.ts';

/** The least number of clients that allows a conclusion. */
const minClients = 3;
const nearlyAll = 0.9;

/**
 * Begins one alert for each collector whose two newest finished full runs reached nearly none of its clients because of
 * network faults: the collector's own network is then the likely cause. The alert ends with the next full run that
 * reaches more. Clients that need one lost parent, such as a bastion, do not count: the parent explains them.
 *
 * The unreachable clients are those with an alert, pending ones included, that visits of the run have begun or kept up.
 * A client whose host key is not trusted failed too, but not because of the network.
 */
export function evaluateIsolation(facts: FleetFacts, rule: Rule): readonly Alert[] {
  const { runsOf, alerts, nowMs } = facts;
  const unreachable = alerts.filter(
    (alert) => alert.rule === 'unreachable' && alert.progress.isNetwork === true && !isReturning(alert),
  );
  const unexplained = besideOneParent(facts, unreachable);
  return [...runsOf].flatMap(([collectorId, own]): readonly Alert[] => {
    const open = facts.open('', rule.name, collectorId);
    // Where collectors share the fleet, a run may have visited no client; such a run proves nothing.
    const telling = finishedRuns(own).filter((one) => attemptsOf(one) > 0);
    const [run, before] = [...telling].sort((one, other) => other.finishedAtMs - one.finishedAtMs);
    if (run === undefined) return [];
    const shares = facts.sites?.has(collectorId) === true;
    const lost = unexplained.lost.filter((alert) => wasLostIn(alert, run, shares));
    const behind = unexplained.behind.filter((alert) => wasLostIn(alert, run, shares)).length;
    const isIsolated = missesNearlyAll(run, lost, behind);
    if (open !== null) {
      // An alert that a wrong clock dated in the future would outlast every run.
      const isLater = run.startedAtMs > open.pendingSinceMs || open.pendingSinceMs > nowMs;
      const isWorse = open.severity === 'warning' && lost.some(({ severity }) => severity === 'critical');
      if (isIsolated && isWorse) {
        return [{ ...open, severity: 'critical', sequence: open.sequence + 1, changedByRun: run.id }];
      }
      // Visits of a run under way have replaced some visits of the run before.
      const goesOn = own.some(({ outcome, startedAtMs }) => outcome === 'running' && startedAtMs > run.startedAtMs);
      if (isIsolated || !isLater || goesOn) return [];
      const end = closeAlert(open, 'recovered', { atMs: run.finishedAtMs, runId: run.id });
      return [{ ...end, valueText: reachedWords(run) }];
    }
    if (!isIsolated || before === undefined) return [];
    const twice = lost.filter(({ pendingSinceMs }) => pendingSinceMs <= before.finishedAtMs);
    return missesNearlyAll(before, twice, behind) ? [isolation(facts, rule, run, before, twice)] : [];
  });
}

/** Splits the alerts into those that the one lost parent explains and the others. Two lost parents explain nothing. */
function besideOneParent(
  { config, alerts }: FleetFacts,
  unreachable: readonly Alert[],
): { readonly lost: readonly Alert[]; readonly behind: readonly Alert[] } {
  const { lostFor } = openLostParents(config, alerts);
  const names = new Set(unreachable.flatMap(({ client }) => lostFor(client)[0]?.name ?? []));
  if (names.size !== 1) return { lost: unreachable, behind: [] };
  const isBehind = ({ client }: Alert): boolean => lostFor(client).length > 0;
  return { lost: unreachable.filter((alert) => !isBehind(alert)), behind: unreachable.filter(isBehind) };
}

function missesNearlyAll(run: FinishedRunFact, lost: readonly Alert[], behind: number): boolean {
  const failed = run.failed ?? 0;
  const attempts = attemptsOf(run);
  const others = attempts - behind;
  return others >= minClients && failed >= nearlyAll * attempts && lost.length >= nearlyAll * others;
}

function attemptsOf({ succeeded, failed }: FinishedRunFact): number {
  return (succeeded ?? 0) + (failed ?? 0);
}

function reachedWords(run: FinishedRunFact): string {
  return `${run.succeeded ?? 0} of ${attemptsOf(run)} clients reached`;
}

/** Returns the new alert, with the worst severity and the most frequent cause of the lost clients. */
function isolation(
  { config }: FleetFacts,
  rule: Rule,
  run: FinishedRunFact,
  before: FinishedRunFact,
  lost: readonly Alert[],
): Alert {
  const addresses = new Map(config.clients.map(({ name, address }) => [name, address]));
  const causes = [...groupBy(lost, (alert) => visitCause(alert, addresses.get(alert.client)))];
  const [cause = '', same = []] = causes.sort(([, one], [, other]) => other.length - one.length)[0] ?? [];
  const isCritical = lost.some(({ severity }) => severity === 'critical');
  return fleetAlert(isCritical ? { ...rule, severity: 'critical' } : rule, {
    subject: run.collectorId,
    valueText: `${reachedWords(run)}; ${same.length}: ${cause}`,
    firstEvidence: run.id,
    changedByRun: run.id,
    pendingSinceMs: before.startedAtMs,
    firingSinceMs: run.finishedAtMs,
  });
}

/**
 * True if the alert's newest visit belongs to the run, or falls into its time. Collectors that share a fleet run at the
 * same time, each with its own clients; other collectors visit the same clients.
 */
function wasLostIn({ progress }: Alert, run: FinishedRunFact, shares: boolean): boolean {
  if (shares && progress.lastRun !== undefined) return progress.lastRun === run.id;
  return progress.lastAtMs >= run.startedAtMs && progress.lastAtMs <= run.finishedAtMs;
}
