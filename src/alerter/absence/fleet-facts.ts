import { keyOfFleet } from '../../about/kinds.ts';
import type { Config, Rule } from '../../config/config.ts';
import type { FailedVisit, SeenClient, StateDiskFact } from '../../storage/store/fleet-store.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { SealedSummary } from '../../storage/store/sealed-store.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { CanaryState, UnreadReplies } from '../../storage/store/reply-store.ts';
import type { RunFact } from '../../storage/store/run.ts';
import type { ReportTimes } from '../inhibit/group-states.ts';
import { newAlert } from '../transition/alert-bounds.ts';
import { dayMs, minuteMs } from '../../platform/units.ts';
import { durationInWords } from '../../text/durations.ts';
import { timeInWords } from '../../text/time-words.ts';

export interface EvaluateFleetOptions {
  readonly config: Config;
  /** Runs in any order; runs of the alerter are ignored. A collector is known while one of its runs is among them. */
  readonly runs: readonly RunFact[];
  readonly seenClients: readonly SeenClient[];
  /** The site of each collector that shares a fleet, by its id. Default: each visits all clients by itself. */
  readonly sites?: ReadonlyMap<string, string>;
  /** All open alerts, after all rows were processed. */
  readonly alerts: readonly Alert[];
  /** Ended alerts that are not closed out, for groups that need some of their members. Default: none. */
  readonly ended?: readonly Alert[];
  /** Runs of the collector that may be under way. Default: none. */
  readonly unfinishedRuns?: ReadonlySet<string>;
  /** When the members of groups with alerts reported. Default: nothing is known of them. */
  readonly reports?: ReadonlyMap<string, ReportTimes>;
  /** The times since which groups have their members and their need, by name. Default: always. */
  readonly groupsSinceMs?: ReadonlyMap<string, number>;
  /** Sealed reports that wait in the database. Default: none. */
  readonly sealed?: readonly SealedSummary[];
  readonly nowMs: number;
  /** The time since which the database has answered, see `databaseUpSince`; `null` if unknown. */
  readonly databaseUpSinceMs: number | null;
  /** The database's clock minus this machine's. Default: not compared. */
  readonly databaseAheadMs?: number;
  /** File systems of the programs themselves, as reported lately. */
  readonly stateDisks?: readonly StateDiskFact[];
  /** The visits that collectors have failed themselves, by run. Default: none. */
  readonly ownFaults?: ReadonlyMap<string, readonly FailedVisit[]>;
  /** The present round of `<canary>`. Default: none. */
  readonly canary?: CanaryState | null;
  /** Since when and why the mailbox of `<replies>` cannot be read. Default: it was read. */
  readonly repliesUnread?: UnreadReplies | null;
}

/** Returns how far back, in milliseconds, runs are read while the alerter runs without a break. */
export function runsReadFor(everyMs: number): number {
  return Math.max(dayMs, 12 * everyMs);
}

export type FinishedRunFact = RunFact & { readonly finishedAtMs: number };

/** Facts for the conditions of the fleet. */
export interface FleetFacts extends EvaluateFleetOptions {
  /**
   * Full runs of each collector that did not overlap another, oldest first. Runs further ahead of the database's clock
   * than clocks may differ are left out: after one run under a wrong clock a collector would never be missed again.
   */
  readonly runsOf: ReadonlyMap<string, readonly RunFact[]>;
  /** The newest run of each collector that is left out as too far ahead. */
  readonly aheadOf: ReadonlyMap<string, RunFact>;
  /** Returns an open alert; `client` is '' for the fleet. */
  readonly open: (client: string, rule: string, subject?: string) => Alert | null;
  /** True if the database has answered for long enough that a missing row means silence. */
  readonly mayMiss: boolean;
}

export function fleetFacts(options: EvaluateFleetOptions): FleetFacts {
  const { runs, alerts, databaseUpSinceMs, nowMs, config } = options;
  const open = alerts.filter(({ state }) => state !== 'resolved');
  const byKey = new Map(open.map((alert) => [keyOf(alert.client, alert.rule, alert.subject), alert]));
  const fullRuns = runs
    .filter(({ program, scope, outcome }) => program === 'collect' && scope === 'full' && outcome !== 'overlapped')
    // Runs of a forgotten collector have no collector id.
    .filter(({ collectorId }) => collectorId !== '')
    .sort((one, other) => one.startedAtMs - other.startedAtMs);
  const maxAheadMs = Math.max(minAheadMs, runsAhead * config.collector.everyMs);
  const isAhead = ({ startedAtMs }: RunFact): boolean => startedAtMs - nowMs > maxAheadMs;
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

/** A run may be this many times `every` ahead of the database's clock, and at least `minAheadMs`. */
const runsAhead = 3;
/** Smaller differences between the clocks of two machines are always accepted. */
export const minAheadMs = 10 * minuteMs;

function keyOf(client: string, rule: string, subject: string): string {
  return `${client}\0${rule}\0${subject}`;
}

/** Returns the runs that finished. */
export function finishedRuns(runs: readonly RunFact[]): readonly FinishedRunFact[] {
  return runs.filter((run): run is FinishedRunFact => run.outcome === 'finished' && run.finishedAtMs !== null);
}

/** Returns the run that finished last; `null` if none did. */
export function newestFinished(runs: readonly RunFact[]): FinishedRunFact | null {
  return finishedRuns(runs).reduce<FinishedRunFact | null>(
    (newest, run) => (newest === null || run.finishedAtMs > newest.finishedAtMs ? run : newest),
    null,
  );
}

/** The beginning of an alert that follows from no row. */
type BegunFleetAlert = Partial<Omit<Alert, 'about' | 'client'>> &
  (Pick<Alert, 'about' | 'client'> | { readonly about?: never; readonly client?: never }) &
  Pick<Alert, 'subject' | 'valueText' | 'pendingSinceMs' | 'firingSinceMs' | 'firstEvidence'>;

/** Returns a new alert, which is pending if `firingSinceMs` is `null`. Without a client it concerns the fleet. */
export function fleetAlert(rule: Rule, begun: BegunFleetAlert): Alert {
  const isFiring = begun.firingSinceMs !== null;
  return newAlert({
    ...keyOfFleet(rule.name),
    changedByRun: null,
    severity: rule.severity,
    state: isFiring ? 'firing' : 'pending',
    sequence: isFiring ? 1 : 0,
    ...begun,
  });
}

/** Returns the text of a resolved alert about an absence: `a full run of mon-1 finished at 10:20; none for 2 hours`. */
export function endWords({ config, nowMs }: FleetFacts, open: Alert, what: string, atMs: number): string {
  const lasted = atMs > open.pendingSinceMs ? `; none for ${durationInWords(atMs - open.pendingSinceMs)}` : '';
  return `${what} at ${timeInWords({ zone: config.alerts.zone, nowMs }, atMs)}${lasted}`;
}
