import type { Figures } from './client-figures.ts';

/** The members of a group that have a figure, and their values in the same order. */
export interface KnownValues {
  readonly clients: readonly string[];
  readonly values: readonly number[];
}

/** The newest figures of a group by key. */
export type GroupValues = ReadonlyMap<string, KnownValues>;

/** Collects the newest figures of a group. */
export class ValuesByKey {
  readonly #members = new Map<string, { readonly clients: string[]; readonly values: number[] }>();

  add(key: string, client: string, value: number): void {
    const known = this.#members.get(key);
    if (known === undefined) this.#members.set(key, { clients: [client], values: [value] });
    else {
      known.clients.push(client);
      known.values.push(value);
    }
  }

  get values(): GroupValues {
    return this.#members;
  }
}

/** Returns the newest figures of a group by key. */
export function valuesOf(newest: Iterable<readonly [client: string, Figures]>): GroupValues {
  const byKey = new ValuesByKey();
  for (const [client, figures] of newest) for (const [key, value] of figures) byKey.add(key, client, value);
  return byKey.values;
}
