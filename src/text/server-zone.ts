import { realpathSync } from 'node:fs';

import { offsetInWords, zoneOffsetMs } from './zone-time.ts';

const localTime = '/etc/localtime';
const zoneFolder = '/zoneinfo/';
/** The regions of IANA. A machine may have zones of its own, which Node does not know. */
const knownZone =
  /^(?:UTC|(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific)(?:\/[\w+-]+)+)$/;

const [winter, summer] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 6, 1)];

/** The zone at the start of the process. Node keeps the zone of its start, so a later look could name another one. */
const atStart = linkedZone(localTime);

/**
 * Returns a name for the zone of this process: its IANA name, or its offset if it has none (`UTC+5:30`). Reads the link
 * that ICU would read, because the first format of times that Intl makes takes 9 MB of a process.
 */
export function serverZone(): string {
  return (process.env['TZ'] === undefined ? atStart : null) ?? zoneOfIntl() ?? offsetInWords(zoneOffsetMs(null, 0));
}

/** Returns the zone that a link like /etc/localtime points to; null if Node does not know the target by its name. */
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
 * Removes a TZ that only refers to /etc/localtime. With such a TZ, Node would keep the zone's winter offset all year.
 */
export function dropNeedlessTz(env: NodeJS.ProcessEnv): void {
  if (/^:?\/etc\/localtime$/.test(env['TZ'] ?? '')) delete env['TZ'];
}

/** The names of UTC that TZ may have beside those of IANA. */
const utcNames = /^(?:UTC|GMT)?[+-]?0?$/;

/** Returns a TZ that Node does not know and therefore reads as UTC, such as `Europe/Berln`; null for any other. */
export function unknownTz({ TZ = '' }: NodeJS.ProcessEnv): string | null {
  const zone = TZ.replace(/^:/, '');
  if (utcNames.test(zone) || zone.startsWith('/')) return null;
  if ([winter, summer].some((atMs) => zoneOffsetMs(null, atMs) !== 0)) return null;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return null;
  } catch {
    return zone;
  }
}

function zoneOfIntl(): string | null {
  // V8 has no name for a zone that is a file.
  const name: unknown = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return typeof name === 'string' && name !== 'Etc/Unknown' ? name : null;
}
