import { readFileSync } from 'node:fs';

import { listKeys } from '../../collector/keys/key-ring.ts';
import { siteKeysFault } from '../../collector/schedule/site-keys.ts';
import type { Config } from '../../config/config.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { goneAfter, type ShareStore } from '../../storage/store/share-store.ts';

/** Returns the reason why the site would refuse `collect`: its keys differ from the others'. Else `null`. */
export async function foreignKeys(
  { stateDir, collector: { sharedSite, everyMs, open } }: Pick<Config, 'stateDir' | 'collector'>,
  shares: Pick<ShareStore, 'collectors' | 'nowMs'>,
): Promise<string | null> {
  if (sharedSite === null) return null;
  const paths = statePaths(stateDir);
  const seen = await shares.collectors(sharedSite, (await shares.nowMs()) - goneAfter * everyMs);
  const keys = listKeys(paths, open);
  const fault = siteKeysFault({
    own: { id: idIn(paths.collectorId), site: sharedSite },
    sealsTo: keys.find(({ seals }) => seals)?.id ?? null,
    knowsKey: (keyId) => keys.some(({ id }) => id === keyId),
    seen,
  });
  return fault === null ? null : `${fault.message}. ${fault.advice}`;
}

/** Returns the id of the collector; '' before its first run. Creates no id. */
function idIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
