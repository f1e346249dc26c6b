import { didYouMean } from '../../config/values/nearest.ts';
import type { Config } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import type { ShareStore } from '../../storage/store/share-store.ts';
import { namedUpTo } from '../../text/numbers.ts';

const namedInWarning = 3;

/**
 * Returns a sentence for each label `site` of clients for which no collector has run: misspelt, perhaps. None where one
 * collector visits all clients.
 */
export async function unvisitedSites(
  { clients, collector: { sharedSite } }: Pick<Config, 'clients' | 'collector'>,
  shares: Pick<ShareStore, 'sites'> | null,
): Promise<readonly string[]> {
  if (sharedSite === null || shares === null) return [];
  const known = new Set([sharedSite, ...(await shares.sites(0)).map(({ site }) => site)]);
  const asked = clients.filter(({ state, forwardedBy }) => state !== 'retired' && forwardedBy === null);
  return [...groupBy(asked, ({ labels }) => labels['site'] ?? sharedSite)]
    .filter(([site]) => !known.has(site))
    .map(([site, those]) => {
      const whom = namedUpTo(
        namedInWarning,
        those.map(({ name }) => name),
      );
      return (
        `label site="${site}": no collector of that site has run, ` +
        `so nobody visits ${whom}` +
        (didYouMean(site, known) || `; correct the label, or start a collector with site="${site}"`)
      );
    });
}
