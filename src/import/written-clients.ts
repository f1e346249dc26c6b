import { expandClient } from '../config/clients/expand-client.ts';
import { createFindings } from '../config/xml/findings.ts';
import { readConfigTree } from '../config/xml/include.ts';
import type { Element } from '../config/xml/parse-elements.ts';
import type { ImportedHost } from './imported.ts';
import { comparableHost } from '../config/values/networks.ts';

const compared = ['ip', 'port', 'username', 'privateKey', 'proxyJump', 'url'] as const;

/** The facts that are compared. */
type Facts = Readonly<Record<(typeof compared)[number] | 'group', string | null>>;

/** The differences between a list and the clients of a file. */
export interface Difference {
  /** Hosts in the list alone. */
  readonly fresh: readonly ImportedHost[];
  /** Names in the file alone. */
  readonly gone: readonly string[];
  /** Clients in both with different values: `from` is the file's value, `to` the list's. */
  readonly changed: readonly {
    readonly name: string;
    readonly what: string;
    readonly from: string | null;
    readonly to: string | null;
  }[];
}

/**
 * Compares a list with the clients of a configuration file. Throws FleetError `config-missing`, and ConfigError
 * `config-invalid` if the file cannot be read.
 */
export function compareWithFile(hosts: readonly ImportedHost[], file: string): Difference {
  const written = writtenClients(file);
  const listed = new Set(hosts.map(({ name }) => name));
  const changed = hosts.flatMap((host) => {
    const before = written.get(host.name);
    if (before === undefined) return [];
    const now: Facts = { ...host, group: host.groups.join('/') || null };
    return [...compared, 'group' as const].flatMap((what) =>
      effective(what, before[what]) === effective(what, now[what])
        ? []
        : [{ name: host.name, what, from: before[what], to: now[what] }],
    );
  });
  return {
    fresh: hosts.filter(({ name }) => !written.has(name)),
    gone: [...written.keys()].filter((name) => !listed.has(name)),
    changed,
  };
}

/** Returns a value with the default of config.xml in its place, so that a written default is no difference. */
function effective(what: keyof Facts, value: string | null): string | null {
  if (what === 'port') return value ?? '22';
  if (what === 'ip') return value === null ? null : comparableHost(value);
  return what === 'proxyJump' || what === 'username' || what === 'privateKey' ? (value ?? 'none') : value;
}

function writtenClients(file: string): ReadonlyMap<string, Facts> {
  const findings = createFindings();
  const { root } = readConfigTree(file, findings);
  const clients = new Map<string, Facts>();
  const walk = (element: Element, outer: Facts): void => {
    for (const child of element.children) {
      const own = (what: (typeof compared)[number]): string | null => child.attributes[what] ?? outer[what];
      const login = { port: own('port'), username: own('username'), privateKey: own('privateKey') };
      const facts: Facts = {
        ...outer,
        ...login,
        proxyJump: own('proxyJump'),
        ip: null,
        url: child.attributes['url'] ?? null,
      };
      if (child.name === 'group') {
        const name = child.attributes['name'];
        walk(child, { ...facts, group: name === undefined ? facts.group : [facts.group ?? [], name].flat().join('/') });
      } else if (child.name === 'client') {
        for (const { name, address } of expandClient(child, Number(facts.port ?? 22), null, findings)) {
          clients.set(name, { ...facts, ip: address === name ? null : address });
        }
      }
    }
  };
  if (root !== null)
    walk(root, { ip: null, port: null, username: null, privateKey: null, proxyJump: null, url: null, group: null });
  findings.throwFaults();
  return clients;
}
