import { isObject } from '../../platform/parse-json.ts';
import type { Skipped } from '../imported.ts';
import { createLeftKeys, type LeftKeys } from '../left-keys.ts';

type Json = Readonly<Record<string, unknown>>;

/** A group as an inventory has it. */
export interface InventoryGroup {
  readonly hosts: readonly string[];
  readonly children: readonly string[];
  readonly vars: Json;
}

export interface Inventory {
  readonly groups: ReadonlyMap<string, InventoryGroup>;
  readonly hostvars: ReadonlyMap<string, Json>;
  readonly skipped: readonly Skipped[];
}

export const noGroup: InventoryGroup = { hosts: [], children: [], vars: {} };

/**
 * Returns the groups of an inventory in JSON: the output of `ansible-inventory --list`; that of a script, which may
 * lack `_meta`, and whose groups may be lists; or an inventory with its hosts and groups as objects, as in YAML.
 * Returns null if it has no group.
 */
export function inventoryOf(document: unknown): Inventory | null {
  if (!isObject(document)) return null;
  const groups = new Map<string, InventoryGroup>();
  const hostvars = new Map<string, Json>();
  const left = createLeftKeys();
  for (const [name, value] of Object.entries(document)) {
    if (name !== '_meta' && typeof value === 'object' && value !== null)
      addGroup(name, value, { groups, hostvars, left });
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
