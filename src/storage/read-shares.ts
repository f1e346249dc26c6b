import type { Config } from '../config/config.ts';
import { cyclesOf, cycleSum, type CycleRuns, type CycleSum } from './shared-cycles.ts';
import type { FleetStore } from './store/fleet-store.ts';
import {
  goneAfter,
  nextCycleAfter,
  type CollectorShare,
  type ShareStore,
  type SiteShare,
} from './store/share-store.ts';

/** The number of runs after which an absent collector is no longer shown: a week of runs every five minutes. */
const shownRuns = 2016;
/** The number of intervals `every` after which the runs of a cycle are no longer read. */
const readCycles = 12;

export interface SharedCollector extends CollectorShare {
  /** True if the collector was not seen for three times `every`: its slices belong to the others. */
  readonly isGone: boolean;
}

/** A site that collectors share, with its newest cycles. */
export interface SharedSite extends SiteShare {
  readonly collectors: readonly SharedCollector[];
  /** The number of different configurations in the newest runs of its collectors that are not gone; 0 without runs. */
  readonly configs: number;
  /** The finished runs of the newest cycle; `null` if there are none, or if the cycle is too old. */
  readonly newest: CycleSum | null;
  /** The newest cycle that is over; `null` if there is no recent one. */
  readonly finished: CycleSum | null;
}

interface SharesStorage {
  readonly shares: Pick<ShareStore, 'sites'>;
  readonly fleet: Pick<FleetStore, 'runs'>;
}

/** Returns each collector's part of each site; nothing if one collector visits all, or before the first run. */
export async function readShares(
  { collector }: Pick<Config, 'collector'>,
  storage: SharesStorage | null,
  nowMs: number,
): Promise<readonly SharedSite[]> {
  if (collector.sharedSite === null || storage === null) return [];
  const { everyMs } = collector;
  const sites = await storage.shares.sites(nowMs - shownRuns * everyMs);
  const runs = (await storage.fleet.runs('collect', nowMs - readCycles * everyMs)).filter(
    ({ scope, outcome }) => scope === 'full' && outcome !== 'overlapped',
  );
  return sites.map((site): SharedSite => {
    const ids = new Set(site.collectors.map(({ id }) => id));
    const cycles = cyclesOf(
      runs.filter(({ collectorId }) => ids.has(collectorId)),
      everyMs,
    );
    const isNewest = ({ startedAtMs }: CycleRuns): boolean =>
      startedAtMs > site.beganAtMs - (nextCycleAfter * everyMs) / 2;
    const newest = cycles.find(isNewest) ?? null;
    const isOver = newest?.isOver === true && site.visited === site.slices;
    const over = isOver ? newest : cycles.findLast((cycle) => !isNewest(cycle) && cycleSum(cycle) !== null);
    const collectors = site.collectors.map((one) => ({ ...one, isGone: nowMs - one.seenAtMs > goneAfter * everyMs }));
    const configs = new Set(
      collectors
        .filter(({ isGone }) => !isGone)
        .flatMap(({ id }) => runs.find(({ collectorId }) => collectorId === id)?.configDigest ?? []),
    ).size;
    return { ...site, collectors, configs, newest: newest && cycleSum(newest), finished: over ? cycleSum(over) : null };
  });
}
