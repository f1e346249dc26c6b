import { namedUpTo } from '../../text/numbers.ts';
import type { Skipped } from './imported.ts';

/** Collects the keys that a reader saw and did not take, with the machines that have them. */
export type LeftKeys = ReturnType<typeof createLeftKeys>;

/** Returns an empty collection. */
export function createLeftKeys() {
  const owners = new Map<string, Set<string>>();
  return {
    /** Records a key, such as `option ForwardAgent`, that was not taken from a machine. */
    leave(key: string, owner: string): void {
      const known = owners.get(key);
      if (known === undefined) owners.set(key, new Set([owner]));
      else known.add(owner);
    },
    /** Returns an entry for each key, in the order of the list. */
    skipped(): readonly Skipped[] {
      return [...owners].map(([where, names]) => ({ where, why: `not taken from ${namedUpTo(3, [...names])}` }));
    },
  };
}
