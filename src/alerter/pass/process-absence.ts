import type { Config } from '../../config/config.ts';
import { stateDisks, statePlaces } from '../../state/state-disk.ts';
import type { Alert } from '../../storage/store/alert.ts';
import type { RunFact } from '../../storage/store/run.ts';
import type { StateDiskFact } from '../../storage/store/fleet-store.ts';
import { databaseUpSince, evaluateFleet } from '../absence/fleet-conditions.ts';
import type { PassStore } from './dry-run-store.ts';
import type { PassLease } from './pass-lease.ts';

export interface AbsenceOptions {
  readonly config: Config;
  readonly store: PassStore;
  readonly lease: PassLease;
  readonly nowMs: number;
  readonly runs: readonly RunFact[];
  /** This machine. */
  readonly host: string;
  /** The database's clock less this machine's. */
  readonly databaseAheadMs: number;
}

/** Stores what follows from no row: runs that did not come, clients that are silent, rules that are gone. */
export async function processAbsence(options: AbsenceOptions): Promise<void> {
  const { store, lease } = options;
  let alerts = await changedAlerts(options);
  if (alerts.length === 0) return;
  if (!lease.isHeld()) {
    await lease.take();
    alerts = await changedAlerts(options);
    if (alerts.length === 0) return;
  }
  await store.saveProcessed(await lease.take(), { statIds: [], visitIds: [], alerts, ruleStates: new Map() });
}

async function changedAlerts(options: AbsenceOptions): Promise<readonly Alert[]> {
  const { config, store, runs, nowMs, databaseAheadMs } = options;
  const passes = runs.filter(({ program }) => program === 'alert');
  return evaluateFleet({
    config,
    runs,
    seenClients: await store.seenClients(),
    stateDisks: await readStateDisks(options),
    alerts: await store.openAlerts(null),
    sealed: await store.sealedWaiting(),
    nowMs,
    databaseAheadMs,
    databaseUpSinceMs: databaseUpSince(passes, nowMs, config.collector.everyMs),
  });
}

/** A collector's report on its disks counts for so many times `every`. */
const factPasses = 3;

/**
 * Returns the disks of state folders that collectors have reported of late, and this machine's as they are now. The
 * disk of a database server cannot be seen from here.
 */
async function readStateDisks({ config, store, host, nowMs }: AbsenceOptions): Promise<readonly StateDiskFact[]> {
  const own = stateDisks(statePlaces(config)).map((disk): StateDiskFact => ({ ...disk, host, observedAtMs: nowMs }));
  const reported = await store.stateDisks(nowMs - factPasses * config.collector.everyMs);
  return [
    ...reported.filter((disk) => !own.some((mine) => mine.host === disk.host && mine.path === disk.path)),
    ...own,
  ];
}
