import { groupBy } from '../../platform/group-by.ts';
import { rememberedWeakly } from '../../platform/remembered.ts';
import { directParents, type Fleet } from './parents.ts';

/** A machine, with the machines that stand on it or are reached through it. */
export interface StandNode {
  readonly name: string;
  readonly isClient: boolean;
  /** True if others are reached through it. */
  readonly isBastion: boolean;
  readonly below: readonly StandNode[];
}

/**
 * Returns the machines on which others stand or through which others are reached, with those below them: the roots of
 * the tree. Empty if config.xml names none.
 */
export const standTree = rememberedWeakly((config: Fleet): readonly StandNode[] => {
  if (!config.clients.some(({ ssh, on }) => ssh.proxyJump !== null || on.length > 0)) return [];
  const direct = directParents(config);
  const clients = config.clients.filter(({ state }) => state !== 'retired');
  const names = new Set(clients.map(({ name }) => name));
  const parents = new Map(clients.map(({ name }) => [name, direct(name).at(-1)]));
  // A bastion may be reached through another one, and need not be a client.
  for (const { name } of config.bastions) if (!parents.has(name)) parents.set(name, direct(name).at(-1));
  for (const parent of [...parents.values()]) {
    if (parent !== undefined && !parents.has(parent.name)) parents.set(parent.name, undefined);
  }
  const below = groupBy(
    [...parents].flatMap(([name, parent]) => (parent === undefined ? [] : [{ name, parent }])),
    ({ parent }) => parent.name,
  );
  const nodeOf = (name: string, above: readonly string[]): StandNode => ({
    name,
    isClient: names.has(name),
    isBastion: (below.get(name) ?? []).some(({ parent }) => parent.isBastion),
    // A circle of `on` is a fault of config.xml that `check` names.
    below: above.includes(name) ? [] : (below.get(name) ?? []).map((one) => nodeOf(one.name, [...above, name])),
  });
  return [...parents].flatMap(([name, parent]) => (parent === undefined && below.has(name) ? [nodeOf(name, [])] : []));
});
