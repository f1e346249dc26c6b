import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';

import { zoneOfPosix } from './posix-zone.ts';
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
 * Replaces a TZ that Node reads otherwise than the C library by a name of a zone with the same clocks: `:` before a
 * name, files, offsets and rules of tzset(3). Removes a TZ that only refers to /etc/localtime: Node would keep its
 * winter offset all year. Returns a TZ that is no zone, such as `Europe/Berln`: times are in UTC then. Else null.
 */
export function settleTz(env: NodeJS.ProcessEnv): string | null {
  const { TZ } = env;
  if (TZ !== undefined && /^:?\/etc\/localtime$/.test(TZ)) delete env['TZ'];
  const zone = env['TZ']?.replace(/^:/, '') ?? unnamedLocalTime();
  if (zone === null) return null;
  const known = utcNames.test(zone) ? 'UTC' : nameOf(zone);
  const isSame =
    known === TZ && [winter, summer].every((atMs) => zoneOffsetMs(known, atMs) === zoneOffsetMs(null, atMs));
  if (!isSame) env['TZ'] = known ?? 'UTC';
  return known === null ? zone : null;
}

/** The names of UTC that TZ may have beside those of IANA. */
const utcNames = /^(?:UTC|GMT)?[+-]?0?$/;

/** Returns /etc/localtime if Node has no name for its zone; else null. */
function unnamedLocalTime(): string | null {
  return atStart !== null || !existsSync(localTime) || zoneOfIntl() !== null ? null : localTime;
}

/** Returns the name of a zone by its name, file, or description; null if there is none. */
function nameOf(zone: string): string | null {
  if (isName(zone)) return zone;
  const [, name = ''] = /^(?:.*\/zoneinfo\/)?(?:(?:posix|right)\/)?(.+)$/.exec(zone) ?? [];
  if (isName(name)) return name;
  return (zone.startsWith('/') ? linkedZone(zone) : null) ?? zoneOfPosix(ruleOfFile(zone) ?? zone, Date.now());
}

/** True if Intl knows a name of a zone as IANA writes it, with a capital letter. */
function isName(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return /^[A-Z]/.test(name) && !/^(?:UTC|GMT)[+-]/.test(name);
  } catch {
    return false;
  }
}

const maxZoneBytes = 256 * 1024;

/** Returns the rule at the end of a zone's file (RFC 8536), for the years after its table; null without one. */
function ruleOfFile(file: string): string | null {
  try {
    if (!file.startsWith('/') || !statSync(file).isFile() || statSync(file).size > maxZoneBytes) return null;
    const text = readFileSync(file, 'latin1');
    return text.startsWith('TZif') ? (/\n([^\n]+)\n$/.exec(text)?.[1] ?? null) : null;
  } catch {
    return null;
  }
}

function zoneOfIntl(): string | null {
  // V8 has no name for a zone that is a file.
  const name: unknown = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return typeof name === 'string' && name !== 'Etc/Unknown' ? name : null;
}
