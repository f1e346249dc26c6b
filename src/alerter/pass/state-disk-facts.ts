import type { Config } from '../../config/config.ts';
import { stateDisks, statePlaces } from '../../state/state-disk.ts';
import type { PassStore } from './dry-run-store.ts';
import type { StateDiskFact } from '../../storage/store/fleet-store.ts';

export interface StateDiskFactsOptions {
  readonly config: Config;
  readonly store: Pick<PassStore, 'stateDisks'>;
  /** This machine. */
  readonly host: string;
  readonly nowMs: number;
}

/** So many times `every` a collector's word on its disks counts. */
const patience = 3;

/**
 * What collectors have said of late of file systems of their own, and this machine's as it is just now. What a database
 * server writes to cannot be seen from here.
 */
export async function stateDisksOf(options: StateDiskFactsOptions): Promise<readonly StateDiskFact[]> {
  const { config, store, host, nowMs } = options;
  const own = stateDisks(statePlaces(config)).map((disk): StateDiskFact => ({ ...disk, host, observedAtMs: nowMs }));
  const said = await store.stateDisks(nowMs - patience * config.collector.everyMs);
  return [...said.filter((disk) => !own.some((mine) => mine.host === disk.host && mine.path === disk.path)), ...own];
}
