import { FleetError } from '../../errors.ts';
import { hourMs } from '../../platform/units.ts';
import { lowPercent, stateDisks, statePlaces } from '../../state/state-disk.ts';
import type { ReportStore } from '../../storage/store/storage.ts';
import type { PassOptions } from '../collect-options.ts';

export interface StateDiskWatchOptions extends Pick<PassOptions, 'config' | 'start'> {
  readonly store: Pick<ReportStore, 'saveStateDisks'>;
  readonly nowMs: number;
}

/**
 * Stores the free space of the file systems that the collector writes to, for the alerter to mail. Returns `disk-low`
 * when one has become low, and in the first run of each hour while it is. Else returns null. The disk of a database
 * server cannot be seen from here.
 */
export async function stateDiskFault(options: StateDiskWatchOptions): Promise<FleetError | null> {
  const { config, store, nowMs } = options;
  const { host, collectorId } = options.start;
  const disks = stateDisks(statePlaces(config));
  const before = await store.saveStateDisks({ host, collectorId, atMs: nowMs, disks });
  const low = disks.filter(({ freePercent }) => freePercent < lowPercent);
  const isNew = low.some((disk) => {
    const last = before.find((fact) => fact.path === disk.path);
    if (last === undefined || last.freePercent >= lowPercent) return true;
    return Math.floor(last.observedAtMs / hourMs) !== Math.floor(nowMs / hourMs);
  });
  if (!isNew) return null;
  const places = low.map(({ freePercent, path: place }) => `${freePercent.toFixed(1)} % is free in ${place}`);
  return new FleetError({ code: 'disk-low', stage: 'run', message: places.join(', ') });
}
