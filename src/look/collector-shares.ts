import { describeAge } from '../text/durations.ts';
import { counted } from '../text/numbers.ts';
import type { Config } from '../config/config.ts';
import type { ShareStore, SiteShare } from '../storage/store/share-store.ts';

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

/** Returns a line for each site whose collectors share it: who has how much, and how much nobody has visited yet. */
export function shareWords(shares: readonly SiteShare[], nowMs: number): readonly string[] {
  return shares.map(({ site, slices, visited, collectors }) => {
    const each = collectors.map(
      ({ host, slices: own, seenAtMs }) => `${host} ${own} (seen ${describeAge(Math.max(0, nowMs - seenAtMs))} ago)`,
    );
    const left =
      visited === slices ? '' : `; ${counted(slices - visited, 'slice')} not visited yet in the newest cycle`;
    const who = `${counted(collectors.length, 'collector')} with ${counted(slices, 'slice')}: ${each.join(', ')}`;
    return `${site}: ${who}${left}.`;
  });
}
