import { realpathSync } from 'node:fs';

import { offsetInWords, zoneOffsetMs } from './zone-time.ts';

const localTime = '/etc/localtime';
const zoneFolder = '/zoneinfo/';
/** A machine may have zones of its own, which Node does not know: these are the regions of IANA. */
const knownZone =
  /^(?:UTC|(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)(?:\/[\w+-]+)+)$/;

/** Node keeps the zone that it finds when it starts. So does this, or a long run would name another. */
const atStart = linkedZone(localTime);

/**
 * A name for the zone of this process: its IANA name, or its offset if it has none (`UTC+5:30`). It is read where ICU
 * would look for it too, because the first format of times that Intl makes takes 9 MB of a process.
 */
export function serverZone(): string {
  return (process.env['TZ'] === undefined ? atStart : null) ?? zoneOfIntl() ?? offsetInWords(zoneOffsetMs(null, 0));
}

/**
 * Returns the zone that a link like /etc/localtime leads to; null if it leads to none that Node knows by its name.
 */
export function linkedZone(link: string): string | null {
  try {
    const file = realpathSync(link);
    const at = file.lastIndexOf(zoneFolder);
    const name = at === -1 ? '' : file.slice(at + zoneFolder.length).replace(/^Etc\/UTC$/, 'UTC');
    return knownZone.test(name) ? name : null;
  } catch {
    return null;
  }
}

/**
 * Removes a TZ that says no more than to read /etc/localtime. Node would take the offset of that zone for its winter,
 * and never change its clocks.
 */
export function dropNeedlessTz(env: NodeJS.ProcessEnv): void {
  if (/^:?\/etc\/localtime$/.test(env['TZ'] ?? '')) delete env['TZ'];
}

function zoneOfIntl(): string | null {
  // V8 has no name for a zone that is a file.
  const name: unknown = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return typeof name === 'string' && name !== 'Etc/Unknown' ? name : null;
}
