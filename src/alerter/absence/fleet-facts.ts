import type { Config, Rule } from '../../config/config.ts';
import type { SeenClient, StateDiskFact } from '../../storage/store/fleet-store.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { SealedSummary } from '../../storage/store/sealed-store.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { newAlert } from '../transition/alert-bounds.ts';
import { minuteMs } from '../../platform/units.ts';

export interface EvaluateFleetOptions {
  readonly config: Config;
  /** Those of the alerter are left out. A collector is known as long as one of its runs is among them. In any order. */
  readonly runs: readonly RunFact[];
  readonly seenClients: readonly SeenClient[];
  /** All open ones, as they are after all rows were judged. */
  readonly alerts: readonly Alert[];
  /** What waits sealed in the database; left out: nothing. */
  readonly sealed?: readonly SealedSummary[];
  readonly nowMs: number;
  /** Since when the database has answered without a longer break, see `databaseUpSince`; null: not known. */
  readonly databaseUpSinceMs: number | null;
  /** The database's clock less this machine's; left out: not compared. */
  readonly databaseAheadMs?: number;
  /** File systems of the programs themselves, as they were of late. */
  readonly stateDisks?: readonly StateDiskFact[];
}

export type FinishedRun = RunFact & { readonly finishedAtMs: number };

/** What the conditions of the fleet look at. */
export interface FleetFacts extends EvaluateFleetOptions {
  /**
   * Full runs of each collector that did not overlap another, oldest first. Those are left out that lie further ahead of
   * the database's clock than clocks may differ: were they believed, a collector would never be missed again after one
   * run under a clock that was wrong.
   */
  readonly runsOf: ReadonlyMap<string, readonly RunFact[]>;
  /** The newest of those that are left out, of each collector that has any. */
  readonly aheadOf: ReadonlyMap<string, RunFact>;
  /** An open alert; of the fleet as a whole under ''. */
  readonly open: (client: string, rule: string, subject?: string) => Alert | null;
  /** The database has answered for so long that what is missing in it is missing. */
  readonly mayMiss: boolean;
}

export function fleetFacts(options: EvaluateFleetOptions): FleetFacts {
  const { runs, alerts, databaseUpSinceMs, nowMs, config } = options;
  const open = alerts.filter(({ state }) => state !== 'resolved');
  const byKey = new Map(open.map((alert) => [keyOf(alert.client, alert.rule, alert.subject), alert]));
  const fullRuns = runs
    .filter(({ program, scope, outcome }) => program === 'collect' && scope === 'full' && outcome !== 'overlapped')
    // Of one that somebody said is no more.
    .filter(({ collectorId }) => collectorId !== '')
    .sort((one, other) => one.startedAtMs - other.startedAtMs);
  const isAhead = (run: RunFact): boolean => isAheadOfTime(run, nowMs, config.collector.everyMs);
  return {
    ...options,
    alerts: open,
    runsOf: groupBy(
      fullRuns.filter((run) => !isAhead(run)),
      ({ collectorId }) => collectorId,
    ),
    aheadOf: new Map(fullRuns.filter(isAhead).map((run) => [run.collectorId, run])),
    open: (client, rule, subject = '') => byKey.get(keyOf(client, rule, subject)) ?? null,
    mayMiss: databaseUpSinceMs !== null && nowMs - databaseUpSinceMs >= 2 * config.collector.everyMs,
  };
}

/** Clocks of two machines may differ by so many times `every`, as a collector may be silent ... */
const runsAhead = 3;
/** ... and by so much however short that is. */
export const leastAheadMs = 10 * minuteMs;

/** Whether a run is of a time that has not come yet, by more than clocks may differ. */
export function isAheadOfTime({ startedAtMs }: Pick<RunFact, 'startedAtMs'>, nowMs: number, everyMs: number): boolean {
  return startedAtMs - nowMs > Math.max(leastAheadMs, runsAhead * everyMs);
}

function keyOf(client: string, rule: string, subject: string): string {
  return `${client}\0${rule}\0${subject}`;
}

/** Those that came to their end. */
export function finishedRuns(runs: readonly RunFact[]): readonly FinishedRun[] {
  return runs.filter((run): run is FinishedRun => run.outcome === 'finished' && run.finishedAtMs !== null);
}

/** The one that came to its end last. */
export function newestFinished(runs: readonly RunFact[]): FinishedRun | null {
  return finishedRuns(runs).reduce<FinishedRun | null>(
    (newest, run) => (newest === null || run.finishedAtMs > newest.finishedAtMs ? run : newest),
    null,
  );
}

/** The beginning of an alert that follows from no row. */
interface BegunFleetAlert
  extends
    Pick<Alert, 'subject' | 'valueText' | 'limitText' | 'pendingSinceMs' | 'firingSinceMs' | 'firstEvidence'>,
    Partial<Pick<Alert, 'client' | 'changedByRun'>> {}

/** Returns a new alert, which is pending if `firingSinceMs` is `null`. Without a client it concerns the fleet. */
export function fleetAlert(rule: Rule, begun: BegunFleetAlert): Alert {
  const isFiring = begun.firingSinceMs !== null;
  return newAlert({
    client: '',
    changedByRun: null,
    rule: rule.name,
    severity: rule.severity,
    state: isFiring ? 'firing' : 'pending',
    sequence: isFiring ? 1 : 0,
    ...begun,
  });
}
