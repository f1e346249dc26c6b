import { groupBy } from '../../platform/group-by.ts';
import { remembered, rememberedWeakly } from '../../platform/remembered.ts';
import type { Config } from '../config.ts';

/** A machine without which others cannot be reached, or several machines of which one is enough. */
export interface Parent {
  /** `hv-1`, or `hv-1 and hv-2`: all of them are away if the parent is. */
  readonly name: string;
  readonly names: readonly string[];
  /** True for a machine on the route to a client; false for the machines of `on`. */
  readonly isBastion: boolean;
  /** False if the machine is reached through the one before it on a route, whatever its own route is. */
  readonly hasOwnRoute: boolean;
}

export type Fleet = Pick<Config, 'bastions' | 'clients'>;

/**
 * Returns a function that returns the parents that config.xml names for a machine: the bastions of its route, and `on`.
 * Excludes those of the bastions if `hasOwnRoute` is false.
 */
export function directParents({ bastions, clients }: Fleet) {
  // A bastion takes precedence over a client of the same name.
  const jumps = new Map([...clients, ...bastions].map(({ name, ssh }) => [name, ssh.proxyJump]));
  const stands = new Map(clients.map(({ name, on }) => [name, on]));
  return (name: string, hasOwnRoute = true): readonly Parent[] => {
    const hops = hasOwnRoute ? (jumps.get(name)?.split(',') ?? []) : [];
    const route = hops.map((hop, index) => parentOf([hop.trim()], { isBastion: true, hasOwnRoute: index === 0 }));
    const on = stands.get(name) ?? [];
    return on.length === 0 ? route : [...route, parentOf(on, { isBastion: false, hasOwnRoute: true })];
  };
}

function parentOf(names: readonly string[], more: Pick<Parent, 'isBastion' | 'hasOwnRoute'>): Parent {
  return { name: names.join(' and '), names, ...more };
}

/** The parents of the clients of config.xml that are not retired. */
export interface Parents {
  /** The parents of a client, and theirs, the nearest to the collector first. */
  readonly of: (client: string) => readonly Parent[];
  /** By name. */
  readonly all: ReadonlyMap<string, Parent>;
  /** The clients that need a parent. */
  readonly clientsOn: (parent: string) => readonly string[];
}

/** Returns the parents of the clients of a configuration. */
export const parentsOf = rememberedWeakly((fleet: Fleet): Parents => {
  const direct = directParents(fleet);
  const of: (key: string) => readonly Parent[] = remembered((key) => {
    const parents = direct(key.slice(1), key.startsWith('+')).flatMap((parent) => {
      const [first = [], ...others] = parent.names.map((name) => of(`${parent.hasOwnRoute ? '+' : '-'}${name}`));
      // Alternatives share the parents that all of them need.
      return [...first.filter((one) => others.every((other) => includes(other, one))), parent];
    });
    return parents.filter((one, index) => !includes(parents.slice(0, index), one));
  });
  const clients = fleet.clients.filter(
    ({ state, ssh, on }) => state !== 'retired' && (ssh.proxyJump !== null || on.length > 0),
  );
  const needs = clients.flatMap(({ name }) => of(`+${name}`).map((parent) => ({ parent, client: name })));
  const needing = groupBy(needs, ({ parent }) => parent.name);
  const own = new Set(clients.map(({ name }) => name));
  return {
    of: (name) => (own.has(name) ? of(`+${name}`) : []),
    all: new Map(needs.map(({ parent }) => [parent.name, parent])),
    clientsOn: (parent) => (needing.get(parent) ?? []).map(({ client }) => client),
  };
});

function includes(parents: readonly Parent[], { name }: Parent): boolean {
  return parents.some((one) => one.name === name);
}
