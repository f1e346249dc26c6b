import { expandClient } from '../../config/clients/expand-client.ts';
import { createFindings } from '../../config/xml/findings.ts';
import { readConfigTree } from '../../config/xml/include.ts';
import type { Element } from '../../config/xml/parse-elements.ts';
import type { ImportedHost } from './imported.ts';
import { parseParentNames } from '../../config/values/jumps.ts';
import { labelsText, parseClientLabels } from '../../config/values/labels.ts';
import { comparableHost } from '../../config/values/networks.ts';

const compared = ['ip', 'port', 'username', 'privateKey', 'proxyJump', 'url', 'on', 'labels'] as const;

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
    return [...compared, 'group' as const].flatMap((what) => {
      const to = now[what];
      // Few lists have these: without them, what a person wrote stays.
      if (to === null && (what === 'on' || what === 'labels')) return [];
      const from = what === 'labels' ? labelsOfList(before.labels, to) : before[what];
      return effective(what, from) === effective(what, to) ? [] : [{ name: host.name, what, from, to }];
    });
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
  if (what === 'on') return parseParentNames(value === 'none' ? '' : (value ?? '')).join(' ');
  return what === 'proxyJump' || what === 'username' || what === 'privateKey' ? (value ?? 'none') : value;
}

/** Adds the labels of an inner element, which win. */
function labelsWithin(outer: string | null, inner: string | undefined): string | null {
  return labelsText({ ...parseClientLabels(outer ?? ''), ...parseClientLabels(inner ?? '') }) || null;
}

/** Returns the labels of a client that a list has too, in the order of the list; null if there are none. */
function labelsOfList(written: string | null, listed: string | null): string | null {
  const labels = parseClientLabels(written ?? '') ?? {};
  const names = Object.keys(parseClientLabels(listed ?? '') ?? {});
  const text = labelsText(
    Object.fromEntries(names.flatMap((name) => (name in labels ? [[name, labels[name] ?? '']] : []))),
  );
  return text === '' ? null : text;
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
        on: own('on'),
        labels: labelsWithin(outer.labels, child.attributes['labels']),
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
  if (root !== null) {
    const nothing = { ip: null, port: null, username: null, privateKey: null, proxyJump: null, on: null, url: null };
    walk(root, { ...nothing, labels: root.attributes['labels'] ?? null, group: null });
  }
  findings.throwFaults();
  return clients;
}
