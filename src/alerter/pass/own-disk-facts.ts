import type { Config } from '../../config/config.ts';
import { ownDisks, ownPlaces } from '../../state/own-disk.ts';
import type { PassStore } from './rehearsal.ts';
import type { OwnDiskFact } from '../../storage/store/own-disk-fact.ts';

export interface OwnDiskFactsOptions {
  readonly config: Config;
  readonly store: Pick<PassStore, 'ownDisks'>;
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
export async function ownDisksOf(options: OwnDiskFactsOptions): Promise<readonly OwnDiskFact[]> {
  const { config, store, host, nowMs } = options;
  const own = ownDisks(ownPlaces(config)).map((disk): OwnDiskFact => ({ ...disk, host, observedAtMs: nowMs }));
  const said = await store.ownDisks(nowMs - patience * config.collector.everyMs);
  return [...said.filter((disk) => !own.some((mine) => mine.host === disk.host && mine.path === disk.path)), ...own];
}
