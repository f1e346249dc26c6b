/** Passes over the conditions of a fleet, with the runs and clients that these passes read. */
import type { Config } from '../../../src/config/config.ts';
import { evaluateFleet } from '../../../src/alerter/absence/fleet-conditions.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import type { FailedVisit, SeenClient } from '../../../src/storage/store/fleet-store.ts';
import type { RunFact } from '../../../src/storage/store/run.ts';
import type { SealedSummary } from '../../../src/storage/store/sealed-store.ts';
import { notLooked } from '../../storage/support/samples.ts';
import { at } from './rows.ts';
import { clock, sampledRowsOf, startTransition } from './time-line.ts';

/** Returns a client element whose address ends with the number in the client's name. */
export const client = (name: string, more = ''): string =>
  `<client name="${name}" ip="192.0.2.${name.replace(/\D/g, '')}" username="u" ${more}/>`;
/** Returns a full run of one minute that reached all clients. */
export function run(time: string, over: Partial<RunFact> = {}): RunFact {
  return {
    id: `run of ${time}`,
    program: 'collect',
    collectorId: 'c1',
    host: 'mon-1',
    scope: 'full',
    configDigest: '',
    outcome: 'finished',
    startedAtMs: at(time),
    finishedAtMs: at(time) + 60_000,
    clients: 3,
    succeeded: 3,
    failed: 0,
    ...notLooked,
    ...over,
  };
}

export function seen(name: string, lastReport: string | null, over: Partial<SeenClient> = {}): SeenClient {
  const lastReportAtMs = lastReport === null ? null : at(lastReport) + 1000;
  return { name, firstSeenMs: at('00:00'), lastVisitAtMs: lastReportAtMs, lastReportAtMs, ...over };
}

export interface Pass {
  readonly config?: Config;
  readonly seen?: readonly SeenClient[];
  readonly sealed?: readonly SealedSummary[];
  /** The visits that the collector has failed itself, by run. */
  readonly ownFaults?: ReadonlyMap<string, readonly FailedVisit[]>;
  /** The time since which the database has answered; null: unknown. */
  readonly upSince?: string | null;
  readonly databaseAheadMs?: number;
  /** The sites of collectors that share a fleet. */
  readonly sites?: ReadonlyMap<string, string>;
}

/** Starts a series of passes over the fleet's conditions. Each pass reports its changes. */
export function startPasses(first: Config, before: readonly Alert[] = []) {
  const stored = new Map(before.map((alert, index) => [index + 1, { ...alert, id: index + 1 }]));
  const pass = (
    time: string,
    runs: readonly RunFact[],
    {
      config = first,
      seen: seenClients = config.clients.map(({ name }) => seen(name, time)),
      sealed = [],
      upSince = '00:00',
      databaseAheadMs = 0,
      sites = new Map(),
      ownFaults = new Map(),
    }: Pass = {},
  ) => {
    const changed = evaluateFleet({
      config,
      runs,
      seenClients,
      sites,
      ownFaults,
      alerts: [...stored.values()].filter(({ state }) => state !== 'resolved'),
      sealed,
      nowMs: at(time),
      databaseUpSinceMs: upSince === null ? null : at(upSince),
      databaseAheadMs,
    });
    return changed.flatMap((alert) => {
      const id = alert.id ?? stored.size + 1;
      stored.set(id, { ...alert, id });
      const name = [alert.client, alert.rule, alert.subject].filter((part) => part !== '').join(' ');
      if (alert.state !== 'resolved') return [`${name} ${alert.state}`];
      return [`${name} ${alert.closedReason ?? ''} ${clock(alert.resolvedAtMs ?? 0)}`];
    });
  };
  return { pass, stored };
}

/**
 * Returns the open alerts of clients whose visits failed in the runs of these times, as the alerter makes them. The
 * runs have the ids of `run` unless `idOf` differs.
 */
export function lost(
  config: Config,
  times: readonly string[],
  code: string,
  names: readonly string[],
  idOf = (time: string) => `run of ${time}`,
): readonly Alert[] {
  return config.clients
    .filter(({ name }) => names.includes(name))
    .flatMap((one) => {
      const evaluation = startTransition();
      for (const time of times)
        evaluation.evaluate(
          one,
          sampledRowsOf(one, `${time} visit fails ${code}`).map((row) => ({ ...row, runId: idOf(time) })),
        );
      return evaluation.notified().open;
    });
}
