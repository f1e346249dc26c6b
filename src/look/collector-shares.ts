import { groupBy } from '../platform/group-by.ts';
import type { SeenCollector, ShareStore } from '../storage/store/share-store.ts';

/** A collector of a site that several share. */
export interface CollectorShare {
  readonly id: string;
  readonly host: string;
  readonly seenAtMs: number;
  /** The slices that it was the last to claim. */
  readonly slices: number;
}

export interface SiteShare {
  readonly site: string;
  readonly slices: number;
  /** The slices all of whose clients were visited in the newest cycle. */
  readonly visited: number;
  readonly collectors: readonly CollectorShare[];
}

/** A collector that was not seen for so long is no longer shown. */
const shownRuns = 2016;

/** Returns who has which part of each site; nothing where one collector visits all. */
export async function readShares(
  shares: ShareStore | null,
  nowMs: number,
  everyMs: number,
): Promise<readonly SiteShare[]> {
  const seen = (await shares?.collectors(null, nowMs - shownRuns * everyMs)) ?? [];
  if (shares === null || seen.length === 0) return [];
  const slicesOf = groupBy(await shares.slices(null), ({ site }) => site);
  return [...groupBy(seen, ({ site }) => site)].map(([site, collectors]) => {
    const slices = slicesOf.get(site) ?? [];
    const newest = Math.max(...slices.map(({ cycle }) => cycle));
    const countOf = ({ id }: SeenCollector): number => slices.filter(({ holder }) => holder === id).length;
    return {
      site,
      slices: slices.length,
      visited: slices.filter(({ cycle, doneAtMs }) => cycle === newest && doneAtMs !== null).length,
      collectors: collectors.map((one) => {
        const { id, host, seenAtMs } = one;
        return { id, host, seenAtMs, slices: countOf(one) };
      }),
    };
  });
}
