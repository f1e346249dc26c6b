import { attributeKind, type KindName } from '../config/vocabulary/attribute-kinds.ts';
import { parseRanged } from '../config/values/ranges.ts';
import { quoted } from '../text/plain-text.ts';
import type { Imported, ImportedHost, Skipped } from './imported.ts';

const attributes = {
  ip: 'host',
  port: 'port',
  username: 'text',
  privateKey: 'path',
  proxyJump: 'jumps',
  url: 'spokeUrl',
} as const satisfies Partial<Record<keyof ImportedHost, KindName>>;

/** Omits and reports hosts that config.xml would refuse, and further hosts of the same name. */
export function takeHosts({ hosts, skipped }: Imported): Imported {
  const names = new Set<string>();
  const left: Skipped[] = [...skipped];
  const taken = hosts.filter((host) => {
    const fault = hostFault(host, names);
    if (fault === null) names.add(host.name);
    else left.push({ where: host.where, why: fault });
    return fault === null;
  });
  return { hosts: taken, skipped: left };
}

function hostFault(host: ImportedHost, names: ReadonlySet<string>): string | null {
  if (names.has(host.name)) return `a second ${quoted(host.name)}; the first was taken`;
  const values: readonly (readonly [what: string, value: string | null, kind: KindName])[] = [
    ['name', host.name, 'name'],
    // Without an address, connections go to the name.
    ...(host.ip === null ? ([['name', host.name, 'host']] as const) : []),
    ...Object.entries(attributes).map(([name, kind]) => [name, host[name as keyof typeof attributes], kind] as const),
    ...host.groups.map((group) => ['group', group, 'title'] as const),
    ...host.checks.flatMap(({ name, command }) => [
      ['check', name, 'checkName'] as const,
      ['command', command, 'text'] as const,
    ]),
  ];
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
