import { FleetError } from '../errors.ts';
import type { Storage } from '../storage/storage.ts';

/** So many times `every` without a finished pass. */
const patience = 3;

export interface AlerterWatchOptions {
  readonly storage: Pick<Storage, 'alerts' | 'history'>;
  readonly everyMs: number;
  readonly nowMs: number;
}

/**
 * Nobody else would notice that alerts are not told any more, so the collector does: `alerter-silent` when alerters have
 * run here and none has finished for three times `every`; null when all is well or none ever ran.
 */
export async function alerterFault({ storage, everyMs, nowMs }: AlerterWatchOptions): Promise<FleetError | null> {
  const last = await storage.history.lastRun('alert');
  if (last === null) return null;
  const sinceMs = nowMs - patience * everyMs;
  if (last.outcome === 'finished' && (last.finishedAtMs ?? 0) >= sinceMs) return null;
  const runs = await storage.alerts.runs('alert', sinceMs);
  if (runs.some(({ outcome }) => outcome === 'finished')) return null;
  const began = new Date(last.startedAtMs).toISOString();
  return new FleetError({
    code: 'alerter-silent',
    stage: 'run',
    message: `no pass of the alerter has finished for ${Math.round((patience * everyMs) / 60_000)} min; the newest began at ${began} (${last.outcome})`,
  });
}
