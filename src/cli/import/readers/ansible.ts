import { append } from '../../../platform/group-by.ts';
import { isObject } from '../../../platform/parse-json.ts';
import { counted, namedUpTo } from '../../../text/numbers.ts';
import { ansibleHost } from './ansible-host.ts';
import type { Imported, ImportedHost, Skipped, SourceText } from '../imported.ts';
import { type LeftKeys, createLeftKeys } from '../left-keys.ts';
import { isDeeper } from '../../../report/check-value.ts';
import { unreadable } from '../unreadable.ts';

/** The most levels of JSON, and of groups. */
const maxLevels = 64;

/**
 * Reads the output of `ansible-inventory --list`, or an inventory in JSON. A host stands in the innermost of its
 * groups, among equally deep ones in the smallest. If its groups form no tree, it stands in one of them, which is
 * reported.
 */
export function readAnsible(source: SourceText): Imported {
  const inventory = parse(source);
  const { paths, lost } = groupPaths(source, inventory.groups);
  const skipped: Skipped[] = [...inventory.skipped];
  const elsewhere = new Map<string, number>();
  const left = createLeftKeys();
  const others = new Set<string>();
  const names = new Set([...inventory.hostvars.keys(), ...[...paths.values()].flatMap(({ hosts }) => hosts)]);
  const variablesOf = groupVariables(inventory.groups, paths);
  const hosts = [...names].flatMap((name): readonly ImportedHost[] => {
    const where = `host ${name}`;
    const variables = { ...variablesOf(name), ...inventory.hostvars.get(name) };
    const read = ansibleHost({ name, variables, source, left, others });
    if (typeof read === 'string') {
      skipped.push({ where, why: read });
      return [];
    }
    return [read];
  });
  append(skipped, left.skipped());
  if (others.size > 0) {
    skipped.push({ where: 'variables that are not of the connection', why: `not taken: ${[...others].join(', ')}` });
  }
  const groupsOf = chosenGroups(paths, elsewhere);
  for (const [group, children] of lost) {
    const without = `without ${namedUpTo(3, children)} here`;
    const why = `${without}: a group stands in one; labels can say what such groups have in common`;
    skipped.push({ where: `group ${group}`, why });
  }
  for (const [group, count] of elsewhere) {
    skipped.push({
      where: `group ${group}`,
      why: `${counted(count, 'host')} of it are in another group here; a client has one`,
    });
  }
  return { hosts: hosts.map((host) => ({ ...host, groups: groupsOf.get(host.name) ?? [] })), skipped };
}

const advice = 'Give an inventory that `ansible-inventory --list -i FILE` reads, or its output.';

function parse(source: SourceText): Inventory {
  if (isDeeper(Buffer.from(source.text), maxLevels)) {
    throw unreadable(source, `its JSON is nested deeper than ${maxLevels} levels`, advice);
  }
  let document: unknown;
  try {
    document = JSON.parse(source.text);
  } catch {
    throw unreadable(source, 'it is no JSON', advice);
  }
  const inventory = inventoryOf(document);
  if (inventory === null) throw unreadable(source, 'it is no inventory of Ansible', advice);
  return inventory;
}

interface Group {
  /** The names from the outermost group on, without `all`. */
  readonly path: readonly string[];
  readonly hosts: readonly string[];
}

interface Groups {
  readonly paths: ReadonlyMap<string, Group>;
  /** Child groups that stand in another parent, by the parent that lacks them. */
  readonly lost: ReadonlyMap<string, readonly string[]>;
}

/** Returns the groups below `all` with their paths. The first path of a group with several parents counts. */
function groupPaths(source: SourceText, groups: Inventory['groups']): Groups {
  const paths = new Map<string, Group>();
  const lost = new Map<string, string[]>();
  const walk = (name: string, path: readonly string[]): void => {
    const known = paths.get(name);
    const parent = path.at(-2);
    if (known !== undefined && parent !== undefined && known.path.length > 1) {
      lost.set(parent, [...(lost.get(parent) ?? []), name]);
    }
    if (known !== undefined) return;
    if (path.length > maxLevels) {
      const remedy = 'Give the inventory groups that a person can look over.';
      throw unreadable(source, `its groups are nested deeper than ${maxLevels} levels`, remedy);
    }
    const { hosts, children } = groups.get(name) ?? noGroup;
    paths.set(name, { path, hosts });
    for (const child of children) walk(child, child === 'ungrouped' ? path : [...path, child]);
  };
  const inner = new Set([...groups.values()].flatMap(({ children }) => children));
  const outer = [...groups.keys()].filter((name) => !inner.has(name));
  // Groups that only hold each other have no outermost one.
  for (const name of ['all', ...outer, ...groups.keys()]) walk(name, name === 'all' ? [] : [name]);
  return { paths, lost };
}

/** Returns the path of the chosen group for each host. Counts in `elsewhere` the hosts that other groups lose to it. */
function chosenGroups(
  paths: ReadonlyMap<string, Group>,
  elsewhere: Map<string, number>,
): ReadonlyMap<string, readonly string[]> {
  const chosen = new Map<string, readonly string[]>();
  const byDepth = [...paths].sort(
    ([a, one], [b, other]) =>
      other.path.length - one.path.length || one.hosts.length - other.hosts.length || (a < b ? -1 : 1),
  );
  for (const [group, { path: groups, hosts }] of byDepth) {
    for (const host of hosts) {
      const known = chosen.get(host);
      if (known === undefined) chosen.set(host, groups);
      else if (!groups.every((name, index) => known[index] === name)) {
        elsewhere.set(group, (elsewhere.get(group) ?? 0) + 1);
      }
    }
  }
  return chosen;
}

/** Returns a function that returns the variables of a host's groups: an inner group wins over an outer one. */
function groupVariables(
  groups: Inventory['groups'],
  paths: ReadonlyMap<string, Group>,
): (host: string) => Readonly<Record<string, unknown>> {
  if ([...groups.values()].every(({ vars }) => Object.keys(vars).length === 0)) return () => ({});
  const holders = new Map<string, string[]>();
  for (const [group, { hosts, children }] of groups) {
    for (const member of [...hosts.map((host) => `host ${host}`), ...children]) {
      holders.set(member, [...(holders.get(member) ?? []), group]);
    }
  }
  const depthOf = (group: string): number => paths.get(group)?.path.length ?? 0;
  return (host) => {
    const of = new Set(['all', ...(holders.get(`host ${host}`) ?? [])]);
    // A set that grows is visited to its end.
    for (const group of of) for (const outer of holders.get(group) ?? []) of.add(outer);
    const inOrder = [...of].sort((one, other) => depthOf(one) - depthOf(other) || (one < other ? -1 : 1));
    return inOrder.reduce((vars, group) => ({ ...vars, ...groups.get(group)?.vars }), {});
  };
}

type Json = Readonly<Record<string, unknown>>;

/** A group as an inventory has it. */
interface InventoryGroup {
  readonly hosts: readonly string[];
  readonly children: readonly string[];
  readonly vars: Json;
}

interface Inventory {
  readonly groups: ReadonlyMap<string, InventoryGroup>;
  readonly hostvars: ReadonlyMap<string, Json>;
  readonly skipped: readonly Skipped[];
}

const groupKeys = ['hosts', 'children', 'vars'] as const;
const noGroup: InventoryGroup = { hosts: [], children: [], vars: {} };

/**
 * Returns the groups of an inventory in JSON: the output of `ansible-inventory --list`; that of a script, which may
 * lack `_meta`, and whose groups may be lists; or an inventory with its hosts and groups as objects, as in YAML.
 * Returns null if it has no group.
 */
function inventoryOf(document: unknown): Inventory | null {
  if (!isObject(document)) return null;
  // A text or a number among the groups makes it another document, such as a package.json with its list of files.
  const isNamed = '_meta' in document || 'all' in document;
  if (!isNamed && Object.values(document).some((value) => typeof value !== 'object')) return null;
  const groups = new Map<string, InventoryGroup>();
  const hostvars = new Map<string, Json>();
  const left = createLeftKeys();
  for (const [name, value] of Object.entries(document)) {
    if (name === '_meta' || typeof value !== 'object' || value === null) continue;
    // A script may give a host and its variables in the place of a group, and Ansible takes it for one of that host.
    const isHost = isObject(value) && Object.keys(value).length > 0 && !groupKeys.some((key) => key in value);
    addGroup(isHost ? 'all' : name, isHost ? { hosts: { [name]: value } } : value, { groups, hostvars, left });
  }
  const meta = document['_meta'];
  if (groups.size === 0 && !isObject(meta)) return null;
  const isScript = meta === undefined && hostvars.size === 0;
  for (const [name, variables] of Object.entries(objectOf(objectOf(meta)['hostvars']))) {
    hostvars.set(name, { ...hostvars.get(name), ...objectOf(variables) });
  }
  const why = 'it is missing, and with it the variables that a script prints for --host';
  return { groups, hostvars, skipped: [...(isScript ? [{ where: '_meta', why }] : []), ...left.skipped()] };
}

interface Parts {
  readonly groups: Map<string, InventoryGroup>;
  readonly hostvars: Map<string, Json>;
  readonly left: LeftKeys;
}

/** Adds a group, and the groups and variables inside it. A group may stand at several places, each with a part. */
function addGroup(name: string, value: unknown, parts: Parts): void {
  const { groups, hostvars, left } = parts;
  const { hosts, children, vars, ...others } = Array.isArray(value) ? { hosts: value as unknown } : objectOf(value);
  for (const key of Object.keys(others)) left.leave(/^\w{1,64}$/.test(key) ? `key ${key}` : 'a key', `group ${name}`);
  const known = groups.get(name) ?? noGroup;
  groups.set(name, {
    hosts: [...known.hosts, ...namesOf(hosts)],
    children: [...known.children, ...namesOf(children)],
    vars: { ...known.vars, ...objectOf(vars) },
  });
  for (const [host, variables] of isObject(hosts) ? Object.entries(hosts) : []) {
    hostvars.set(host, { ...hostvars.get(host), ...objectOf(variables) });
  }
  for (const [child, inside] of isObject(children) ? Object.entries(children) : []) addGroup(child, inside, parts);
}

/** Returns the texts of a list, or the keys of an object. */
function namesOf(value: unknown): readonly string[] {
  if (isObject(value)) return Object.keys(value);
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

function objectOf(value: unknown): Json {
  return isObject(value) ? value : {};
}
