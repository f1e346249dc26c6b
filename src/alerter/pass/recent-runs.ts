import { databaseUpSince, longestBreakMs } from '../absence/fleet-conditions.ts';
import { runsReadFor } from '../absence/fleet-facts.ts';
import type { PassContext } from './pass-context.ts';
import type { RunFact } from '../../storage/store/run.ts';
import { dayMs, hourMs } from '../../platform/units.ts';

/** A collector that fell silent longer ago than this, without a notification, is ignored. */
const silentMs = 7 * dayMs;

/**
 * Returns runs as far back as conditions need: collectors are known by their runs, the database's uptime by the
 * alerter's own runs. A day is enough while the alerter runs without a break, because an earlier silence has been
 * notified. After a break it is a week. A collector with an open alert is known however old its runs are.
 */
export async function recentRuns({
  storage,
  config,
  nowMs,
}: Pick<PassContext, 'storage' | 'config' | 'nowMs'>): Promise<readonly RunFact[]> {
  const { everyMs } = config.collector;
  const alertsMs = Math.max(hourMs, 6 * everyMs);
  const alerts = await storage.fleet.runs('alert', nowMs - alertsMs);
  const upSinceMs = databaseUpSince(alerts, nowMs, everyMs);
  const goesOn = upSinceMs !== null && nowMs - upSinceMs >= alertsMs - longestBreakMs(everyMs);
  const day = goesOn ? await storage.fleet.runs('collect', nowMs - runsReadFor(everyMs)) : [];
  // All collectors may be silent.
  const collects = day.length > 0 ? day : await storage.fleet.runs('collect', nowMs - silentMs);
  return [
    ...collects,
    ...(await silentOnes(storage, collects)),
    // Without a recent pass, older ones show that this pass is not the first.
    ...(alerts.length > 0 ? alerts : await storage.fleet.runs('alert', 0)),
  ];
}

/** Returns the last run of each collector with an open alert that is not among the given runs. */
async function silentOnes(storage: PassContext['storage'], collects: readonly RunFact[]): Promise<readonly RunFact[]> {
  const known = new Set(collects.map(({ collectorId }) => collectorId));
  const silent = (await storage.evaluation.openAlerts([''])).filter(
    ({ rule, subject }) => rule === 'collector-silent' && !known.has(subject),
  );
  const runs: RunFact[] = [];
  for (const { subject } of silent) {
    const run = await storage.fleet.lastRunOf(subject);
    if (run !== null) runs.push(run);
  }
  return runs;
}
