import { realpathSync } from 'node:fs';

const zoneFolder = '/zoneinfo/';

/**
 * The IANA name of this machine's zone. It is read where ICU would look for it too, because the first format of times
 * that Intl makes takes 9 MB of a process.
 */
export function serverZone(): string {
  return (process.env['TZ'] === undefined ? linkedZone() : null) ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The zone that /etc/localtime is a link to; null if it is none. */
function linkedZone(): string | null {
  try {
    const file = realpathSync('/etc/localtime');
    const at = file.indexOf(zoneFolder);
    const name = at === -1 ? '' : file.slice(at + zoneFolder.length).replace(/^Etc\/UTC$/, 'UTC');
    return /^(?:UTC|[A-Z][\w-]+(?:\/[\w+-]+)+)$/.test(name) ? name : null;
  } catch {
    return null;
  }
}
