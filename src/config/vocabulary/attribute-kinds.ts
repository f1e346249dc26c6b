/** src/config/vocabulary: the elements and attributes. */
import { isIP } from 'node:net';

import { greetingFault, hostFault, isMailAddress, isSender, parseMailAddresses } from '../values/addresses.ts';
import { isDate, isZone, nearestZone, parseClock, parseDays, parseHours, parseMoment } from '../values/calendar.ts';
import { parseFamilyGroups } from '../values/family-groups.ts';
import { splitGlobs } from '../values/globs.ts';
import { isHeaderLine } from '../values/header-line.ts';
import { parseImapUrl } from '../values/imap-url.ts';
import { invisibleFault } from '../values/invisible-characters.ts';
import { jumpsFault, parseParentNames } from '../values/jumps.ts';
import { keyExchangesFault } from '../values/key-exchanges.ts';
import { parseClientLabels, parseLabels, parseLabelSelector } from '../values/labels.ts';
import { parseNetworks } from '../values/networks.ts';
import { parseNeed, parseSpan } from '../values/quantities.ts';
import { parseDuration } from '../../text/durations.ts';
import { isCheckName } from '../../report/checks.ts';
import { serverWordsFault, type ServerKind } from '../../report/server-checks.ts';
import { parseSize } from '../../text/numbers.ts';
import { parseRanged } from '../values/ranges.ts';
import { storageUrlFault } from '../databases/kinds.ts';

/** The form of an attribute's value: its check, and its type in config.xsd. */
interface AttributeKind {
  /**
   * Returns what is wrong with a value and what would be right, as the end of a sentence that begins with the
   * attribute; null if nothing is wrong.
   */
  readonly fault: (value: string) => string | null;
  /** The type in config.xsd, which accepts at least the values that `fault` accepts. */
  readonly xsd: { readonly base: string; readonly pattern?: string; readonly min?: number; readonly max?: number };
  /** True for values that must not be shown in messages. */
  readonly hidden?: true;
}

const text = { base: 'xs:string' } as const;

const durationForm = '(\\d+y)?(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?';

/**
 * Returns a kind of the accepted values. `rule` says what is wrong with any other value; `pattern` is for config.xsd.
 */
function accepted(accepts: (value: string) => boolean, rule: string, pattern?: string): AttributeKind {
  const xsd = pattern === undefined ? text : { base: 'xs:token', pattern };
  return { fault: (value) => (accepts(value) ? null : rule), xsd };
}

/** Returns a kind of the values for which a parser does not return null. */
function parsed(parse: (value: string) => unknown, rule: string, pattern?: string): AttributeKind {
  return accepted((value) => parse(value) !== null, rule, pattern);
}

function whole(min: number, max: number): AttributeKind {
  const accepts = (value: string): boolean => /^\d{1,9}$/.test(value) && Number(value) >= min && Number(value) <= max;
  const { fault } = accepted(accepts, `must be a whole number from ${min} to ${max}`);
  return { fault, xsd: { base: 'xs:integer', min, max } };
}

/** Returns a kind of names, which must not look like others. */
function visible({ fault, ...kind }: AttributeKind): AttributeKind {
  return { ...kind, fault: (value) => fault(value) ?? invisibleFault(value) };
}

/** Returns whether a value has the form of an option of a kind of checks. */
function ofServer(kind: ServerKind, option: string): (value: string) => boolean {
  return (value) => !(serverWordsFault(kind, [`${option}=${value}`]) ?? '').startsWith(`${option}= is wrong`);
}

function isUrl(value: string): boolean {
  return /^https?:\/\//.test(value) && URL.canParse(value);
}

function isProxy(value: string): boolean {
  if (value === 'none' || value === 'environment') return true;
  return isUrl(value) && ['', '/'].includes(new URL(value).pathname + new URL(value).search + new URL(value).hash);
}

function isSpokeUrl(value: string): boolean {
  if (!isUrl(value)) return false;
  const { username, password, search, hash } = new URL(value);
  return username + password + search + hash === '';
}

function isPageUrl(value: string): boolean {
  return isSpokeUrl(value) && !/\/\/|%(?:2f|5c)/i.test(new URL(value).pathname);
}

const kinds = {
  text: { fault: () => null, xsd: text },
  secret: { fault: () => null, xsd: text, hidden: true },
  title: visible(
    accepted((value) => Buffer.byteLength(value) <= 200, 'is too long for a name; 200 bytes are the most'),
  ),
  note: accepted((value) => value.length <= 1000, 'is too long; 1000 characters are the most'),
  name: visible({ fault: nameFault, xsd: text }),
  checkName: accepted(isFreeCheckName, 'is no name of a check; write up to 128 of A-Z a-z 0-9 _ . : / - and blanks'),
  endpoint: accepted(
    (value) => /^(?:\[[\da-f:.]+\]|\w[\w.-]*):\d{1,5}$/i.test(value),
    'is no HOST:PORT; write it like localhost:443 or [::1]:443',
  ),
  pageAddress: accepted(
    ofServer('http', 'url'),
    'is no address of a page; write it like https://www.example.org/health, with xn-- for other letters, without a password',
  ),
  connectTarget: accepted(
    ofServer('tcp', 'connect'),
    'is neither HOST:PORT nor the path of a socket; write it like localhost:443, [::1]:443 or /run/app.sock',
  ),
  statusRanges: accepted(ofServer('http', 'status'), 'is no list of statuses; write it like 200,301-399'),
  slowLimits: accepted(ofServer('http', 'slow'), 'is no limit of time; write it like 500ms, or 1s,5s for two'),
  lookedUpName: accepted(ofServer('dns', 'name'), 'is no name to look up; write it like www.example.org'),
  nameServer: accepted(
    ofServer('dns', 'server'),
    'is no address of a name server; write it like 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53',
  ),
  serverName: accepted((value) => /^\w[\w.-]*$/.test(value), 'is no name of a server; write one like www.example.org'),
  remoteGlob: accepted(
    (value) => /^\/[^,![\]\\]*$/.test(value),
    'is no path of the client; write an absolute one, with * and ? as patterns',
  ),
  remoteFolder: accepted(
    (value) => /^\/[\w.:/ -]{0,110}[\w.:/-]$/.test(value),
    'is no folder of the client; write its absolute path, of A-Z a-z 0-9 _ . : / - and blanks',
  ),
  metricGlobs: accepted(
    (value) => /^[\w:*]+(, ?[\w:*]+)*$/.test(value),
    'names no metrics; write them like smartmon_*_raw_value,nvme_*',
  ),
  host: { fault: rangedHostFault, xsd: text },
  greeting: { fault: greetingFault, xsd: text },
  jumps: visible({ fault: jumpsFault, xsd: text }),
  parents: visible({ fault: parentsFault, xsd: text }),
  address: accepted((value) => isIP(value) !== 0, 'is no address; write one like ::1, 127.0.0.1 or ::'),
  networks: parsed(parseNetworks, 'is no list of addresses; write them like 192.0.2.7, 10.0.0.0/8 or socket'),
  header: accepted((value) => /^[\w-]{1,64}$/.test(value), 'is no name of a header; write one like X-Remote-User'),
  headerLine: {
    ...accepted(
      isHeaderLine,
      'is no header; write one like Authorization: Bearer ..., and none that HTTP itself needs',
    ),
    hidden: true,
  },
  labels: visible(
    parsed(parseLabels, 'is no list of labels; write them like site=fra,team=web, and none that alerts have'),
  ),
  clientLabels: visible(
    parsed(parseClientLabels, 'are no labels; write them like role=web site=ber, and none that alerts have'),
  ),
  labelSelector: parsed(parseLabelSelector, 'selects no labels; write it like site=ber,role!=db'),
  word: accepted(
    (value) => /^[A-Za-z0-9][\w.-]{0,63}$/.test(value),
    'is no name of this kind; write up to 64 of A-Z a-z 0-9 _ . -',
  ),
  keyExchanges: { fault: keyExchangesFault, xsd: text },
  port: whole(1, 65_535),
  count: whole(1, 100_000),
  many: whole(0, 100_000),
  need: parsed(parseNeed, 'is no number of members; write it like 6, or 75%, from 1 on and whole', '\\d{1,6}%?'),
  duration: parsed(parseDuration, 'is no duration; write it like 90s, 5m, 4h, 30d or 1h30m', durationForm),
  span: parsed(
    parseSpan,
    'is neither a duration nor a count; write it like 15m, or 2x for two rows in a row',
    `\\d+x|${durationForm}`,
  ),
  size: parsed(
    parseSize,
    'is no size; write it like 500MiB, 20GiB or 1.5TiB',
    '\\d+(\\.\\d+)?\\s*(B|KiB|MiB|GiB|TiB)?',
  ),
  // A limit is parsed with its rule, which has the unit.
  level: accepted(() => true, '', `-?\\d+(\\.\\d+)?\\s*(%|B|KiB|MiB|GiB|TiB)?|${durationForm}`),
  email: accepted(isMailAddress, 'is no mail address; write one like ops@example.org'),
  emails: parsed(
    parseMailAddresses,
    'is no list of mail addresses; write bare addresses like ops@example.org, separated by commas',
  ),
  sender: accepted(isSender, 'is no sender; write fleet@example.org or Fleet &lt;fleet@example.org&gt;'),
  path: { fault: pathFault, xsd: text },
  remotePath: accepted(
    (value) => value.startsWith('/'),
    'must be an absolute path on the client, like /usr/local/bin/node',
  ),
  variable: accepted(
    (value) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(value),
    'is no name of an environment variable; write it like FLEET_PASSWORD, without $',
  ),
  globs: accepted((value) => splitGlobs(value).length > 0, 'is empty; write names or patterns like web-*'),
  families: parsed(
    parseFamilyGroups,
    'names no families; write some of client, alerts, self, check, disk, network, series, separated by commas',
  ),
  chance: accepted(
    (value) => /^0?\.\d{1,6}$/.test(value) && Number(value) > 0,
    'is no probability; write it like 0.02',
    '0?\\.\\d{1,6}',
  ),
  zone: { fault: zoneFault, xsd: text },
  date: accepted(isDate, 'is no day of the calendar; write it like 2026-12-24', '\\d{4}-\\d\\d-\\d\\d'),
  moment: accepted(
    (value) => parseMoment(value, 'UTC') !== null,
    'is no time; write it like 2026-12-01, 2026-12-01 06:00 or 2026-12-01T06:00:00Z',
  ),
  days: parsed(parseDays, 'is no list of days; write it like sun, mon-fri, 2nd tue, 15 or last'),
  hours: parsed(parseHours, 'is no time of the week; write it like mon-fri 08:00-18:00 or 08:00-18:00'),
  clock: parsed(parseClock, 'is no time of day; write it like 02:00', '\\d\\d:\\d\\d'),
  url: { ...accepted(isUrl, 'is no web address; it begins with https:// or http://'), hidden: true },
  proxy: {
    ...accepted(isProxy, 'is no HTTP proxy; write it like http://proxy.example.org:3128, none or environment'),
    hidden: true,
  },
  spokeUrl: accepted(
    isSpokeUrl,
    'is no address of a server; write it like http://[2001:db8::7]:5000/, without a name, a password or ?',
  ),
  pageUrl: accepted(
    isPageUrl,
    'is no address of the pages; write it like https://fleet.example.org/ or https://example.org/fleet/, ' +
      'without a name, a password or ?',
  ),
  forwardUrl: accepted(
    isSpokeUrl,
    'is no address of a server; write it like https://hq.example.org:5151/v1/visit, without a name, a password or ?',
  ),
  urls: {
    ...accepted((value) => value.split(',').every((one) => isUrl(one.trim())), 'is no list of web addresses'),
    hidden: true,
  },
  imap: {
    ...parsed(parseImapUrl, 'is no mailbox; write it like imaps://fleet@imap.example.org/INBOX, without the password'),
    hidden: true,
  },
  storage: { fault: storageUrlFault, xsd: text, hidden: true },
} as const satisfies Record<string, AttributeKind>;

export type KindName = keyof typeof kinds;

/** Returns the check and the description of values of a kind. */
export function attributeKind(name: KindName): AttributeKind {
  return kinds[name];
}

/** True if a value is a check's name. Excludes the words that begin lines of another kind in a conf file. */
function isFreeCheckName(value: string): boolean {
  return isCheckName(value) && !['include-nrpe', 'certificate', 'textfile', 'container'].includes(value);
}

function nameFault(value: string): string | null {
  const range = parseRanged(value);
  if (typeof range === 'string') return range;
  if (Buffer.byteLength(range.at(range.count - 1)) > 128) return 'is too long for a name; 128 bytes are the most';
  if (value === '.' || value === '..') return 'cannot be a name; it is a folder in every path';
  if (/[*?,]/.test(value)) return 'cannot be a name; *, ? and , would make it a pattern';
  return value.startsWith('!') || value.startsWith('-') ? `cannot be a name; it begins with ${value.charAt(0)}` : null;
}

function parentsFault(value: string): string | null {
  const names = parseParentNames(value);
  if (names.length === 0) return 'is empty; write names of clients, or none';
  if (names.length > 1 && names.includes('none')) return 'has none beside names; write names of clients, or none alone';
  if (/[[\]]/.test(value)) return 'has a range; write each name, with blanks between them';
  return names.map(nameFault).find((fault) => fault !== null) ?? null;
}

function rangedHostFault(value: string): string | null {
  const range = parseRanged(value);
  if (typeof range === 'string') return value.includes(':') ? (hostFault(value) ?? range) : range;
  return hostFault(range.at(0)) ?? hostFault(range.at(range.count - 1));
}

function pathFault(value: string): string | null {
  if (/^~[^/]/.test(value)) return 'names the home of another user; only ~/ is understood, write the whole path';
  return Buffer.byteLength(value) > 4000 ? 'is too long for a path' : null;
}

function zoneFault(value: string): string | null {
  if (isZone(value)) return null;
  // The zones of an offset have the sign of POSIX, which is that of the way to UTC.
  const [, sign, hours = ''] = /^(?:UTC|GMT) ?([+-])0?(\d{1,2})(?::?00)?$/i.exec(value.trim()) ?? [];
  const offset = `Etc/GMT${sign === '+' ? '-' : '+'}${hours}`;
  const near = sign !== undefined && isZone(offset) ? offset : nearestZone(value);
  const remedy = near === null ? 'write it like Europe/Berlin' : `did you mean "${near}"?`;
  return `is no time zone this machine knows; ${remedy}`;
}
