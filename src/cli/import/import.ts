/** Lists of machines of other programs, made into clients of config.xml: docs/import.md. */
import { parseJumps } from '../../config/values/jumps.ts';
import { comparableHost } from '../../config/values/networks.ts';
import { parseRanged } from '../../config/values/ranges.ts';
import { type KindName, attributeKind } from '../../config/vocabulary/attribute-kinds.ts';
import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { maxChecks } from '../../report/checks.ts';
import { quoted } from '../../text/plain-text.ts';
import { acceptedHosts } from './accepted-hosts.ts';
import type { Imported, ImportedCheck, ImportedHost, Reader, Skipped, SourceText } from './imported.ts';
import { unreadable } from './unreadable.ts';

/**
 * Reads a list of machines by the reader of its kind. Omits and reports every machine that config.xml could not name.
 * Throws FleetError `import-unreadable` if the text is no list of that kind.
 */
export function importHosts(read: Reader, source: SourceText): Imported {
  try {
    const { hosts, skipped } = read(source);
    return takeHosts({ hosts, skipped: [...(source.warnings ?? []), ...skipped] });
  } catch (thrown) {
    if (thrown instanceof FleetError) throw thrown;
    throw unreadable(source, `it cannot be read: ${messageOf(thrown)}`, 'Leave out what no such list has.');
  }
}

const attributes = {
  ip: 'host',
  port: 'port',
  username: 'text',
  privateKey: 'path',
  proxyJump: 'jumps',
  on: 'parents',
  url: 'spokeUrl',
  labels: 'clientLabels',
} as const satisfies Partial<Record<keyof ImportedHost, KindName>>;

type Named = readonly [what: string, value: string | null, kind: KindName];

/**
 * Omits and reports hosts and checks that config.xml would refuse, and further hosts of the same name. The result
 * passes `check`.
 */
function takeHosts({ hosts, skipped }: Imported): Imported {
  const names = new Set<string>();
  const left: Skipped[] = [...skipped];
  const taken = hosts.flatMap((host) => {
    const fault = hostFault(host, names);
    if (fault !== null) {
      left.push({ where: host.where, why: fault });
      return [];
    }
    names.add(host.name);
    return [withoutOwnJump({ ...host, checks: takeChecks(host, left) }, left)];
  });
  return { hosts: acceptedHosts(taken, left), skipped: left };
}

function hostFault(host: ImportedHost, names: ReadonlySet<string>): string | null {
  if (names.has(host.name)) return `a second ${quoted(host.name)}; the first was taken`;
  const { bastion } = host;
  const ofBastion: readonly Named[] =
    bastion === null
      ? []
      : [
          ['name of the bastion', bastion.name, 'name'],
          ['ip of the bastion', bastion.ip, 'host'],
          ['port of the bastion', bastion.port, 'port'],
          ['username of the bastion', bastion.username, 'text'],
          ['privateKey of the bastion', bastion.privateKey, 'path'],
          ['proxyJump of the bastion', bastion.proxyJump, 'jumps'],
        ];
  return firstFault([
    ['name', host.name, 'name'],
    // Without an address, connections go to the name.
    ...(host.ip === null ? ([['name', host.name, 'host']] as const) : []),
    ...Object.entries(attributes).map(([name, kind]) => [name, host[name as keyof typeof attributes], kind] as const),
    ...host.groups.map((group) => ['group', group, 'title'] as const),
    ...ofBastion,
  ]);
}

function firstFault(values: readonly Named[]): string | null {
  for (const [what, value, kind] of values) {
    if (value === null) continue;
    const fault =
      value === '' ? 'is empty' : /\p{Cc}/u.test(value) ? 'holds control characters' : oneHostFault(value, kind);
    // The value is not quoted: the list may be another file than its owner believes.
    if (fault !== null) return `its ${what} ${fault}`;
  }
  return null;
}

/** Returns the fault of a value; null if there is none. A range is a fault too: a list names single machines. */
function oneHostFault(value: string, kind: KindName): string | null {
  const fault = attributeKind(kind).fault(value);
  if (fault !== null || (kind !== 'name' && kind !== 'host')) return fault;
  const range = parseRanged(value);
  return typeof range === 'string' || range.count === 1 ? null : 'would be a range of machines';
}

/** Returns the checks that config.xml can have, under names that differ. Reports the others. */
function takeChecks({ where, checks }: ImportedHost, left: Skipped[]): readonly ImportedCheck[] {
  const taken = new Map<string, ImportedCheck>();
  for (const { name: description, command } of checks) {
    const name = freeCheckName(description, taken);
    const fault =
      taken.size < maxChecks
        ? firstFault([['command', command, 'text']])
        : `is left out; a client has ${maxChecks} checks at most`;
    if (fault === null) taken.set(name, { name, command });
    else left.push({ where, why: `check ${quoted(description)}: ${fault}` });
  }
  return [...taken.values()];
}

function freeCheckName(description: string, taken: ReadonlyMap<string, unknown>): string {
  const plain = description.replace(/[^\w.:/ -]/g, '_').trim();
  for (let count = 1; ; count += 1) {
    const end = count === 1 ? '' : ` ${count}`;
    const name = `${plain.slice(0, 128 - end.length).trim()}${end}`.trim();
    if (!taken.has(name) && attributeKind('checkName').fault(name) === null) return name;
  }
}

/** Removes and reports the jump of a machine through itself, which lists have where all machines share a jump. */
function withoutOwnJump(host: ImportedHost, left: Skipped[]): ImportedHost {
  const [first, ...further] = parseJumps(host.proxyJump ?? '') ?? [];
  if (first === undefined || further.length > 0) return host;
  const isSame = (one: string, other: string | null | undefined): boolean =>
    typeof other === 'string' && comparableHost(one) === comparableHost(other);
  const isItself =
    isSame(first.host, host.name) ||
    isSame(first.host, host.ip) ||
    (host.ip !== null && isSame(host.ip, host.bastion?.ip));
  const isOther = host.ip !== null && first.host === host.name && !first.bare;
  if (!isItself || isOther) return host;
  left.push({ where: host.where, why: `its jump through ${quoted(first.host)}: it is that machine itself` });
  return { ...host, proxyJump: null, bastion: null };
}
