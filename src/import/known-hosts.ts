import { isIP } from 'node:net';

import { counted } from '../text/numbers.ts';
import { parseKnownHostLine } from '../transport/known-hosts/known-hosts-line.ts';
import { type Imported, type ImportedHost, hostNamed, type Skipped, type SourceText } from './imported.ts';

/** Reads a known_hosts file: a host for each name that has a key there. Hashed names cannot be read. */
export function readKnownHosts({ text }: SourceText): Imported {
  const hosts = new Map<string, ImportedHost>();
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
      if (!hosts.has(host.name)) hosts.set(host.name, host);
    }
  });
  return { hosts: [...hosts.values()], skipped };
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
