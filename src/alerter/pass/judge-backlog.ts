import type { Alert } from '../../storage/store/alert.ts';
import { databaseUpSince, evaluateFleet } from '../absence/fleet-conditions.ts';
import { stateDisksOf } from './state-disk-facts.ts';
import type { RunFact } from '../../storage/store/run.ts';
import type { Backlog, JudgeBacklogOptions } from './backlog.ts';

/**
 * Rows of each kind that are in memory at a time, and as many that are read meanwhile; and how many make a round. A row may
 * have 200 mounts with long names.
 */
const sizes = { pageRows: 100, roundRows: 10_000 } as const;

/** Judges every row not treated yet, oldest first, in rounds of one transaction each. Stops between two at a signal. */
export async function judgeBacklog(options: JudgeBacklogOptions): Promise<Backlog> {
  const { store, lease, signal } = options;
  const counts = { reports: 0, visits: 0 };
  for (;;) {
    if (!lease.isHeld()) {
      const { reports, visits } = await store.unprocessed(1);
      if (reports.length + visits.length === 0) return counts;
      await lease.take();
    }
    const first = await store.unprocessed(sizes.pageRows);
    if (first.reports.length + first.visits.length === 0) return counts;
    // Loaded when there is something to judge: most passes have nothing.
    const { judgeInRounds } = await import('./judge-rounds.ts');
    const { reports, visits } = await judgeInRounds({ ...options, ...sizes }, first);
    counts.reports += reports;
    counts.visits += visits;
    // What came late meanwhile stands before where the last page ended.
    if (first.next === null || signal.aborted) return counts;
  }
}

/** Judges what follows from no row: runs that did not come, clients that are silent, rules that are gone. */
export async function judgeAbsence(
  options: Omit<JudgeBacklogOptions, 'observe' | 'signal'> & {
    readonly runs: readonly RunFact[];
    /** This machine. */
    readonly host: string;
    /** The database's clock less this machine's. */
    readonly databaseAheadMs: number;
  },
): Promise<void> {
  const { store, lease } = options;
  let alerts = await absent(options);
  if (alerts.length === 0) return;
  if (!lease.isHeld()) {
    await lease.take();
    alerts = await absent(options);
    if (alerts.length === 0) return;
  }
  await store.saveProcessed(await lease.take(), { statIds: [], visitIds: [], alerts, ruleStates: new Map() });
}

async function absent({
  config,
  store,
  runs,
  nowMs,
  host,
  databaseAheadMs,
}: Parameters<typeof judgeAbsence>[0]): Promise<readonly Alert[]> {
  return evaluateFleet({
    config,
    runs,
    seenClients: await store.seenClients(),
    stateDisks: await stateDisksOf({ config, store, host, nowMs }),
    alerts: await store.openAlerts(null),
    sealed: await store.sealedWaiting(),
    nowMs,
    databaseAheadMs,
    databaseUpSinceMs: databaseUpSince(
      runs.filter(({ program }) => program === 'alert'),
      nowMs,
      config.collector.everyMs,
    ),
  });
}
