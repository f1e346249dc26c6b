import { isIP } from 'node:net';

import { groupBy } from '../../../platform/group-by.ts';
import { counted } from '../../../text/numbers.ts';
import { quoted } from '../../../text/plain-text.ts';
import { parseKnownHostLine } from '../../../transport/known-hosts/known-hosts-line.ts';
import { type Imported, type ImportedHost, hostNamed, type Skipped, type SourceText } from '../imported.ts';

/** Reads a known_hosts file: a host for each name that has a key there. Hashed names cannot be read. */
export function readKnownHosts({ text }: SourceText): Imported {
  const hosts = new Map<string, KnownMachine>();
  const skipped: Skipped[] = [];
  text.split('\n').forEach((line, index) => {
    const where = `line ${index + 1}`;
    const parsed = parseKnownHostLine(line, index + 1);
    if (parsed === null) return;
    const why = typeof parsed === 'string' ? parsed.replace(/^line \d+: /, '') : faultOf(parsed.hosts, parsed.marker);
    if (why !== null) skipped.push({ where, why });
    else if (typeof parsed !== 'string') {
      const written = parsed.hosts.split(',');
      const host = hostOf(written, where);
      const more = written.length - (host.ip !== null && host.port === null ? 2 : 1);
      if (more > 0) skipped.push({ where, why: `${counted(more, 'further name')} of the machine not taken` });
      // A host has a line for each of its keys.
      const known = hosts.get(host.name);
      const key = parsed.key.key;
      hosts.set(host.name, { host: known?.host ?? host, keys: new Set([...(known?.keys ?? []), key]) });
    }
  });
  return { hosts: oneEach([...hosts.values()], skipped), skipped };
}

/** The most names and addresses of one machine. A key of more names was copied to many machines. */
const maxAlike = 8;

interface KnownMachine {
  readonly host: ImportedHost;
  readonly keys: ReadonlySet<string>;
}

/**
 * Makes one machine of several that have a key in common and differ in their names as the names of one machine do: an
 * address beside a name, and `web-1` beside `web-1.example.org`. Many machines may share a key that was copied.
 */
function oneEach(machines: readonly KnownMachine[], skipped: Skipped[]): readonly ImportedHost[] {
  const byKey = groupBy(
    machines.flatMap(({ host, keys }) => [...keys].map((key) => ({ host, key }))),
    ({ key }) => key,
  );
  const addresses = new Map<ImportedHost, string>();
  const others = new Set<ImportedHost>();
  for (const { host, keys } of machines) {
    const owners = [...keys].map((key) => byKey.get(key) ?? []).filter(({ length }) => length <= maxAlike);
    const alike = [...new Set(owners.flat().map((owner) => owner.host))];
    const named = alike.filter((other) => !isBare(other) && other.port === host.port);
    const [first] = named;
    if (isBare(host)) {
      const isOnly = named.every((other) => isNameOf(hostPart(first), hostPart(other)));
      const hasAddress =
        first !== undefined && (addresses.has(first) || (first.ip ?? hostPart(first)) !== hostPart(first));
      if (first === undefined || !isOnly || hasAddress) continue;
      addresses.set(first, hostPart(host));
      others.add(host);
    } else if (first !== undefined && first !== host && isNameOf(hostPart(first), hostPart(host))) {
      others.add(host);
      skipped.push({ where: host.where, why: `a further name of ${quoted(first.name)}, not taken` });
    }
  }
  return machines
    .map(({ host }) => host)
    .filter((host) => !others.has(host))
    .map((host) => ({ ...host, ip: addresses.get(host) ?? host.ip }));
}

/** Returns the name without its port. */
function hostPart(host: ImportedHost | undefined): string {
  const name = host?.name ?? '';
  const port = host?.port ?? null;
  return port === null ? name : name.slice(0, -port.length - 1);
}

function isBare(host: ImportedHost): boolean {
  return isIP(hostPart(host)) !== 0;
}

function isNameOf(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}.`) || other.startsWith(`${one}.`);
}

function faultOf(hosts: string, marker: string | null): string | null {
  if (marker !== null) return `a line of ${marker} names no single machine`;
  if (hosts.startsWith('|')) return 'the name is hashed; nobody can read it';
  return /[*?!]/.test(hosts) ? 'a pattern names no single machine' : null;
}

/** Returns the machine of a line, which has one machine's name, its address, or both. */
function hostOf(written: readonly string[], where: string): ImportedHost {
  const places = written.map((one) => {
    const parts = /^\[([^\]]+)\]:(\d+)$/.exec(one);
    return { host: parts?.[1] ?? one, port: parts?.[2] ?? null };
  });
  const named = places.find(({ host }) => isIP(host) === 0) ?? places[0];
  const address = places.find(({ host }) => isIP(host) !== 0);
  const host = named?.host ?? '';
  const port = named?.port ?? null;
  return {
    ...hostNamed(port === null ? host : `${host}:${port}`, where),
    ip: address !== undefined && address.host !== host ? address.host : port === null ? null : host,
    port,
  };
}
