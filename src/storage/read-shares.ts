import type { Config } from '../config/config.ts';
import type { ShareStore, SiteShare } from './store/share-store.ts';

/** A collector that was not seen in so many runs is no longer shown: a week of runs every five minutes. */
const shownRuns = 2016;

/** Returns who has which part of each site; nothing where one collector visits all, or before the first run. */
export async function readShares(
  { collector }: Pick<Config, 'collector'>,
  shares: Pick<ShareStore, 'sites'> | null,
  nowMs: number,
): Promise<readonly SiteShare[]> {
  if (collector.sharedSite === null || shares === null) return [];
  return shares.sites(nowMs - shownRuns * collector.everyMs);
}
