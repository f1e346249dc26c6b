/**
 * Work on lists of any length. A spread passes each item as an argument on the stack, which a long list overflows: lint
 * refuses one in `Math.max(...)`, `Math.min(...)` and `push(...)`.
 */

/** Groups items by key, in the order of each key's first item (Map.groupBy, which Node 20 lacks). */
export function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** Returns the greatest number, as Math.max does: -Infinity if there is none, NaN if one is NaN. */
export function greatest(numbers: Iterable<number>): number {
  let found = -Infinity;
  for (const one of numbers) found = Math.max(found, one);
  return found;
}

/** Returns the least number, as Math.min does: Infinity if there is none, NaN if one is NaN. */
export function least(numbers: Iterable<number>): number {
  let found = Infinity;
  for (const one of numbers) found = Math.min(found, one);
  return found;
}

/** Adds the items to the end of a list. */
export function append<T>(list: T[], items: Iterable<T>): void {
  for (const item of items) list.push(item);
}
