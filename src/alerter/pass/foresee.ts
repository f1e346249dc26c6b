import { dayMs, hourMs } from '../../platform/units.ts';
import type { RuleState } from '../../storage/store/alert.ts';
import type { FigureStore } from '../../storage/store/figure-store.ts';
import type { ReadGroups } from '../absence/evaluate-outliers.ts';
import { fleet, readFleetMemory } from './fleet-memory.ts';
import type { PassContext } from './pass-context.ts';

/** Forecasts are made anew after this time, and in the first pass of a day. */
const everyMs = hourMs;

/**
 * Makes the forecasts anew if they are an hour old, evaluates them and outliers, and stores both. All forecasts are
 * evaluated once a day, and after config.xml has changed. Stores nothing once the signal has aborted.
 */
export async function foresee(pass: PassContext, figures: FigureStore): Promise<void> {
  const { config, storage, lease, nowMs, signal } = pass;
  if (!isDue(await readFleetMemory(storage.evaluation), nowMs)) return;
  await lease.take();
  // Another alerter may have made the forecasts until the lease was taken.
  const memory = await readFleetMemory(storage.evaluation);
  if (!isDue(memory, nowMs)) return;
  const { foreseen: last } = memory;
  const isDaily = last === undefined || !isSameDay(last.atMs, nowMs) || last.configDigest !== config.digest;
  // Loaded when forecasts are due: most passes make none.
  const { foreseeClients } = await import('../absence/foresee-clients.ts');
  const alerts = await storage.evaluation.openAlerts(null);
  const made = await foreseeClients({ config, levels: storage.levels, alerts, nowMs, isDaily, signal }).catch(
    (thrown: unknown) => {
      if (signal.aborted) return null;
      throw thrown;
    },
  );
  if (made === null) return;
  const { evaluateOutliers } = await import('../absence/evaluate-outliers.ts');
  const { readFigures } = await import('../outliers/read-figures.ts');
  const readGroups: ReadGroups = async (groups) => (await readFigures({ config, figures, nowMs }, groups)).groups;
  const outlying = await evaluateOutliers({ config, readGroups, alerts, nowMs });
  const foreseen = { atMs: nowMs, configDigest: config.digest };
  await storage.evaluation.saveProcessed(await lease.take(), {
    statIds: [],
    visitIds: [],
    alerts: [...made.alerts, ...outlying],
    ruleStates: new Map([[fleet, { ...memory, foreseen }]]),
    forecasts: { asOfMs: nowMs, forecasts: made.forecasts },
  });
}

/** True if the last forecasts are an hour old, of another day, or of a time that is still to come. */
function isDue({ foreseen }: RuleState, nowMs: number): boolean {
  return foreseen === undefined || Math.abs(nowMs - foreseen.atMs) >= everyMs || !isSameDay(foreseen.atMs, nowMs);
}

/** True if both times are on one UTC day. Levels are by UTC day too. */
function isSameDay(oneMs: number, otherMs: number): boolean {
  return Math.floor(oneMs / dayMs) === Math.floor(otherMs / dayMs);
}
