import type { Config } from '../../config/config.ts';
import { databaseUpSince, longestBreakMs } from '../absence/fleet-conditions.ts';
import type { PassStore } from './dry-run-store.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { dayMs, hourMs } from '../../platform/units.ts';

/** A collector that fell silent longer ago than this, and of which nobody was told, is history. */
const silentMs = 7 * dayMs;

export interface RecentRunsOptions {
  readonly store: PassStore;
  readonly config: Config;
  readonly nowMs: number;
}

/**
 * Runs as far back as conditions look: each collector is known by its runs, the database by the alerter's own. A day is
 * enough while the alerter goes on, for whoever fell silent before was told of; after a break it is a week. A collector
 * that is told of as silent is known however old its runs are.
 */
export async function recentRuns({ store, config, nowMs }: RecentRunsOptions): Promise<readonly RunFact[]> {
  const { everyMs } = config.collector;
  const alertsMs = Math.max(hourMs, 6 * everyMs);
  const alerts = await store.runs('alert', nowMs - alertsMs);
  const upSinceMs = databaseUpSince(alerts, nowMs, everyMs);
  const goesOn = upSinceMs !== null && nowMs - upSinceMs >= alertsMs - longestBreakMs(everyMs);
  const day = goesOn ? await store.runs('collect', nowMs - Math.max(dayMs, 12 * everyMs)) : [];
  // All collectors may be silent.
  const collects = day.length > 0 ? day : await store.runs('collect', nowMs - silentMs);
  return [
    ...collects,
    ...(await silentOnes(store, collects)),
    // None of late, so perhaps none ever: that is the one time when it matters how far back they go.
    ...(alerts.length > 0 ? alerts : await store.runs('alert', 0)),
  ];
}

/** The last run of each collector that an open alert is about and that is not among the given ones. */
async function silentOnes(store: PassStore, collects: readonly RunFact[]): Promise<readonly RunFact[]> {
  const known = new Set(collects.map(({ collectorId }) => collectorId));
  const told = (await store.openAlerts([''])).filter(
    ({ rule, subject }) => rule === 'collector-silent' && !known.has(subject),
  );
  const runs: RunFact[] = [];
  for (const { subject } of told) {
    const run = await store.lastRunOf(subject);
    if (run !== null) runs.push(run);
  }
  return runs;
}
