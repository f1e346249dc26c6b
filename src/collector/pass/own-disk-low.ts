import type { Config } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import { lowPercent, stateDisks, ownPlaces } from '../../state/own-disk.ts';
import type { ReportStore } from '../../storage/store/storage.ts';
import type { RunStart } from '../../storage/store/run.ts';
import { hourMs } from '../../platform/units.ts';

export interface OwnDiskWatchOptions {
  readonly config: Config;
  readonly store: ReportStore;
  readonly start: RunStart;
  readonly nowMs: number;
}

/**
 * Tells the database how much is left where the collector writes, for the alerter to mail, and says so itself: a fault
 * `disk-low` at first and then in the first run of each hour; else null. What a database server writes to cannot be seen.
 */
export async function ownDiskFault({ config, store, start, nowMs }: OwnDiskWatchOptions): Promise<FleetError | null> {
  const disks = stateDisks(ownPlaces(config));
  const { host, collectorId } = start;
  const before = await store.saveStateDisks({ host, collectorId, atMs: nowMs, disks });
  const low = disks.filter(({ freePercent }) => freePercent < lowPercent);
  const isNews = low.some((disk) => {
    const last = before.find((fact) => fact.path === disk.path);
    if (last === undefined || last.freePercent >= lowPercent) return true;
    return Math.floor(last.observedAtMs / hourMs) !== Math.floor(nowMs / hourMs);
  });
  if (!isNews) return null;
  const places = low.map(({ freePercent, path: place }) => `${freePercent.toFixed(1)} % is free in ${place}`);
  return new FleetError({ code: 'disk-low', stage: 'run', message: places.join(', ') });
}
