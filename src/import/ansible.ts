import { counted, namedUpTo } from '../text/numbers.ts';
import { ansibleHost } from './ansible-host.ts';
import type { Imported, ImportedHost, Skipped, SourceText } from './imported.ts';
import { createLeftKeys } from './left-keys.ts';
import { isDeeper } from '../report/values/json-depth.ts';
import { unreadable } from './unreadable.ts';

type Json = Readonly<Record<string, unknown>>;

/** The most levels of JSON, and of groups. */
const mostLevels = 64;

/**
 * Reads the output of `ansible-inventory --list`. A host stands in the innermost of its groups. If its groups form no
 * tree, it stands in the first of them by name, which is reported.
 */
export function readAnsible(source: SourceText): Imported {
  const inventory = parse(source);
  const hostvars = objectOf(objectOf(inventory['_meta'])['hostvars']);
  const { paths, lost } = groupPaths(source, inventory);
  const skipped: Skipped[] = [];
  const elsewhere = new Map<string, number>();
  const left = createLeftKeys();
  const others = new Set<string>();
  const names = new Set([...Object.keys(hostvars), ...[...paths.values()].flatMap(({ hosts }) => hosts)]);
  const hosts = [...names].flatMap((name): readonly ImportedHost[] => {
    const where = `host ${name}`;
    const read = ansibleHost({ name, variables: objectOf(hostvars[name]), source, left, others });
    if (typeof read === 'string') {
      skipped.push({ where, why: read });
      return [];
    }
    return [read];
  });
  skipped.push(...left.skipped());
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

function parse(source: SourceText): Json {
  const advice = 'Give an inventory that `ansible-inventory --list -i FILE` reads, or its output.';
  if (isDeeper(Buffer.from(source.text), mostLevels)) {
    throw unreadable(source, `its JSON is nested deeper than ${mostLevels} levels`, advice);
  }
  let inventory: unknown;
  try {
    inventory = JSON.parse(source.text);
  } catch {
    throw unreadable(source, 'it is no JSON', advice);
  }
  if (typeof inventory !== 'object' || inventory === null || !('_meta' in inventory)) {
    throw unreadable(source, 'it has no `_meta`, as `ansible-inventory --list` prints it', advice);
  }
  return inventory;
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
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
function groupPaths(source: SourceText, inventory: Json): Groups {
  const paths = new Map<string, Group>();
  const lost = new Map<string, string[]>();
  const walk = (name: string, path: readonly string[]): void => {
    const known = paths.get(name);
    const parent = path.at(-2);
    if (known !== undefined && parent !== undefined && known.path.length > 1) {
      lost.set(parent, [...(lost.get(parent) ?? []), name]);
    }
    if (known !== undefined || name === '_meta') return;
    if (path.length > mostLevels) {
      const advice = 'Give the inventory groups that a person can look over.';
      throw unreadable(source, `its groups are nested deeper than ${mostLevels} levels`, advice);
    }
    const group = objectOf(inventory[name]);
    paths.set(name, { path, hosts: textsOf(group['hosts']) });
    for (const child of textsOf(group['children'])) walk(child, child === 'ungrouped' ? path : [...path, child]);
  };
  for (const name of ['all', ...Object.keys(inventory)]) walk(name, name === 'all' ? [] : [name]);
  return { paths, lost };
}

/** Returns the path of the chosen group for each host. Counts in `elsewhere` the hosts that other groups lose to it. */
function chosenGroups(
  paths: ReadonlyMap<string, Group>,
  elsewhere: Map<string, number>,
): ReadonlyMap<string, readonly string[]> {
  const chosen = new Map<string, readonly string[]>();
  const byDepth = [...paths].sort(([a, one], [b, other]) => other.path.length - one.path.length || (a < b ? -1 : 1));
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

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
