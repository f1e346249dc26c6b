import { didYouMean } from '../../config/values/nearest.ts';
import type { Config } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { goneAfter, type CollectorShare, type ShareStore } from '../../storage/store/share-store.ts';
import { namedUpTo } from '../../text/numbers.ts';

const namedInWarning = 3;

/**
 * Returns a sentence for each label `site` whose clients nobody visits: no collector of the site has ever run (perhaps
 * the label is misspelt), or none has run lately. Returns none if one collector visits all clients. Skips clients
 * without a label: the collectors of every site visit them.
 */
export async function unvisitedSites(
  { clients, collector: { sharedSite, everyMs } }: Pick<Config, 'clients' | 'collector'>,
  shares: Pick<ShareStore, 'sites' | 'nowMs'>,
): Promise<readonly string[]> {
  if (sharedSite === null) return [];
  const sites = await shares.sites(0);
  const sinceMs = (await shares.nowMs()) - goneAfter * everyMs;
  const lastSeen = new Map(sites.map(({ site, collectors }) => [site, newestOf(collectors)]));
  const known = new Set([sharedSite, ...lastSeen.keys()]);
  const asked = clients.filter(({ state, arrival }) => state !== 'retired' && arrival.kind !== 'site');
  return [...groupBy(asked, ({ labels }) => labels['site'] ?? '')]
    .filter(([site]) => site !== '')
    .filter(([site]) => !known.has(site) || (lastSeen.get(site)?.seenAtMs ?? Infinity) < sinceMs)
    .map(([site, those]) => {
      const last = lastSeen.get(site) ?? null;
      const whom = namedUpTo(
        namedInWarning,
        those.map(({ name }) => name),
      );
      if (last !== null) {
        return (
          `label site="${site}": no collector of that site has run since ${new Date(last.seenAtMs).toISOString()} ` +
          `(${last.host}), so nobody visits ${whom}; look at cron there, or start another collector with site="${site}"`
        );
      }
      return (
        `label site="${site}": no collector of that site has run, ` +
        `so nobody visits ${whom}` +
        (didYouMean(site, known) || `; correct the label, or start a collector with site="${site}"`)
      );
    });
}

/** Returns the collector that ran last; `null` if there is none. */
function newestOf(collectors: readonly CollectorShare[]): CollectorShare | null {
  return collectors.reduce<CollectorShare | null>(
    (newest, one) => (newest === null || one.seenAtMs > newest.seenAtMs ? one : newest),
    null,
  );
}
