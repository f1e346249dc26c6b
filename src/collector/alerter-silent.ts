import { FleetError } from '../errors.ts';
import type { RunFact } from '../storage/alert-store.ts';
import type { Storage } from '../storage/storage.ts';

type Passed = Pick<RunFact, 'outcome' | 'startedAtMs' | 'finishedAtMs'>;

/** So many times `every` without a finished pass. */
const patience = 3;

export interface AlerterWatchOptions {
  readonly storage: Pick<Storage, 'alerts' | 'history'>;
  readonly everyMs: number;
}

/**
 * Nobody else would notice that alerts are not told any more, so the collector does: `alerter-silent` when alerters have
 * run here and none has finished for three times `every`, by the database's clock, which their times are of; null when all
 * is well or none ever ran. A pass of a time that has not come yet was made under a clock that was wrong.
 */
export async function alerterFault({ storage, everyMs }: AlerterWatchOptions): Promise<FleetError | null> {
  const last = await storage.history.lastRun('alert');
  if (last === null) return null;
  const nowMs = await storage.alerts.nowMs();
  const isRecent = ({ outcome, startedAtMs, finishedAtMs }: Passed): boolean =>
    outcome === 'finished' && startedAtMs <= nowMs && (finishedAtMs ?? 0) >= nowMs - patience * everyMs;
  if (isRecent(last)) return null;
  if ((await storage.alerts.runs('alert', nowMs - patience * everyMs)).some(isRecent)) return null;
  const began = new Date(last.startedAtMs).toISOString();
  return new FleetError({
    code: 'alerter-silent',
    stage: 'run',
    message: `no pass of the alerter has finished for ${Math.round((patience * everyMs) / 60_000)} min; the newest began at ${began} (${last.outcome})`,
  });
}
