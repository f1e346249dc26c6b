import type { Rule } from '../../config/config.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { FailedVisit, FleetStore } from '../../storage/store/fleet-store.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { groupBy } from '../../platform/group-by.ts';
import { adviceFor } from '../../text/advice.ts';
import { oneLine, withoutStop } from '../../text/plain-text.ts';
import { closeAlert } from '../transition/alert-bounds.ts';
import { finishedRuns, fleetAlert, type FinishedRunFact, type FleetFacts } from './fleet-facts.ts';
import { worstOfFleet } from '../inhibit/stand-ins.ts';

/** The visits that the collector's own machine has failed, by the ids of the newest two runs of each collector. */
export type OwnFaults = ReadonlyMap<string, readonly FailedVisit[]>;

/** Reads the visits that collectors have failed themselves. Reads the run before the newest only if that had some. */
export async function readOwnFaults(
  store: Pick<FleetStore, 'ownFaults'>,
  { runsOf }: Pick<FleetFacts, 'runsOf'>,
): Promise<OwnFaults> {
  const found = new Map<string, readonly FailedVisit[]>();
  for (const own of runsOf.values()) {
    for (const { id, failed } of newestTelling(own).slice(0, 2)) {
      const visits = (failed ?? 0) === 0 ? [] : await store.ownFaults(id);
      if (visits.length === 0) break;
      found.set(id, visits);
    }
  }
  return found;
}

/** Returns the finished runs that have tried visits, newest first. */
function newestTelling(own: readonly RunFact[]): readonly FinishedRunFact[] {
  return finishedRuns(own)
    .filter((run) => attemptsOf(run) > 0)
    .sort((one, other) => other.finishedAtMs - one.finishedAtMs);
}

function attemptsOf({ succeeded, failed }: RunFact): number {
  return (succeeded ?? 0) + (failed ?? 0);
}

/**
 * Begins one alert for each collector whose machine has failed visits of its two newest finished full runs: no
 * descriptor, memory, port, route, resolver or disk was left. The alert ends with the next full run without such a
 * visit.
 */
export function evaluateCollectorFault(facts: FleetFacts, rule: Rule): readonly Alert[] {
  const { runsOf, ownFaults = new Map<string, readonly FailedVisit[]>(), config, nowMs } = facts;
  return [...runsOf].flatMap(([collectorId, own]): readonly Alert[] => {
    const open = facts.open('', rule.name, collectorId);
    const [run, before] = newestTelling(own);
    if (run === undefined) return [];
    const failed = ownFaults.get(run.id) ?? [];
    if (open !== null) {
      // An alert that a wrong clock dated in the future would outlast every run.
      const isLater = run.startedAtMs > open.pendingSinceMs || open.pendingSinceMs > nowMs;
      if (failed.length > 0 || !isLater) return [];
      const end = closeAlert(open, 'recovered', { atMs: run.finishedAtMs, runId: run.id });
      return [{ ...end, valueText: `${run.succeeded ?? 0} of ${attemptsOf(run)} clients reached` }];
    }
    if (failed.length === 0 || before === undefined || !ownFaults.has(before.id)) return [];
    const begun = {
      subject: collectorId,
      valueText: wordsFor(run, failed),
      firstEvidence: run.id,
      changedByRun: run.id,
      pendingSinceMs: before.startedAtMs,
      firingSinceMs: run.finishedAtMs,
    };
    return [fleetAlert({ ...rule, severity: worstOfFleet(rule, config) }, begun)];
  });
}

/** Returns the number of the visits, the reason that most of them have, and the advice for it. */
function wordsFor(run: FinishedRunFact, failed: readonly FailedVisit[]): string {
  const byCode = [...groupBy(failed, ({ code }) => code)];
  const [code = '', same = []] = byCode.sort(([, one], [, other]) => other.length - one.length)[0] ?? [];
  const advice = adviceFor(code, []);
  const why = withoutStop(oneLine(same[0]?.message ?? code));
  return `${failed.length} of ${attemptsOf(run)} visits failed on it: ${why}${advice === null ? '' : `. ${advice}`}`;
}

/** Returns the code with which the collector's machine has failed the visit to each client in a newest run. */
export function lostHere({ runsOf, ownFaults }: Pick<FleetFacts, 'runsOf' | 'ownFaults'>): ReadonlyMap<string, string> {
  const lost = new Map<string, string>();
  for (const own of ownFaults === undefined ? [] : runsOf.values()) {
    const [run] = newestTelling(own);
    for (const { client, code } of ownFaults?.get(run?.id ?? '') ?? []) lost.set(client, code);
  }
  return lost;
}
