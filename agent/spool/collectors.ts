import type { Collect } from '../probes/collected.ts';

export interface Collectors {
  readonly visit: Collect;
  /** null in the program that is brought to Linux for every visit. */
  readonly inventory: Collect | null;
}
