import { FleetError } from '../../platform/errors/errors.ts';
import type { SeenCollector, SharingCollector } from '../../storage/store/share-store.ts';

export interface SiteKeys {
  readonly own: Pick<SharingCollector, 'id' | 'site'>;
  /** The key that this collector seals to; `null` if it has none yet. */
  readonly sealsTo: string | null;
  /**
   * Returns true if this collector knows the key: reports sealed to it can be opened where this collector's own reports
   * are opened.
   */
  readonly knowsKey: (keyId: string) => boolean;
  /** The collectors of the site that were seen recently, possibly including this one. */
  readonly seen: readonly Pick<SeenCollector, 'id' | 'host' | 'keyId'>[];
}

/**
 * Returns why this collector may not visit clients of its site: another collector seals to a key that this one lacks,
 * or this collector is new there and its own key would exclude the others. Otherwise returns `null`.
 */
export function siteKeysFault({ own, sealsTo, knowsKey, seen }: SiteKeys): FleetError | null {
  const others = seen.filter(({ id }) => id !== own.id);
  const isNew = others.length === seen.length;
  const unknown = others.find(({ keyId }) => !knowsKey(keyId));
  const other = unknown ?? (isNew ? others.find(({ keyId }) => keyId !== sealsTo) : undefined);
  if (other === undefined) return null;
  const fault = (message: string, advice: string): FleetError =>
    new FleetError({ code: 'keys-invalid', stage: 'keys', message, advice });
  const named = `${other.host} of the same site ${own.site} seals to key ${other.keyId}`;
  const place = 'keys/ and public_keys/';
  const unless = 'If an earlier collector here sealed reports to it, copy its files to all others instead.';
  if (unknown === undefined) {
    return fault(
      `${named}, and this collector, which is new there, to key ${sealsTo ?? ''} of its own`,
      `Move the files of key ${sealsTo ?? ''} out of ${place} here. ${unless}`,
    );
  }
  const copy = `Copy the files of ${place} from the state folder of ${other.host} to this one`;
  const replaced = isNew && sealsTo !== null ? `, and move those of key ${sealsTo} away. ${unless}` : '.';
  return fault(`${named}, which is not live here`, `${copy}${replaced}`);
}
