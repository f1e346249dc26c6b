import { selectClients } from '../../config/clients/select-clients.ts';
import type { Config } from '../../config/config.ts';
import { globMatcher } from '../../config/values/globs.ts';
import { minMembers } from './robust-score.ts';

/** Clients that are compared with each other. */
export interface ComparedGroup {
  readonly group: string;
  readonly clients: readonly string[];
}

/**
 * Returns the groups of at least five members whose members are compared. Without names each active client is compared
 * in its innermost such group: the databases within a site differ from its web servers by design. With names or
 * patterns all members of these groups are compared. Throws FleetError `usage` for a name that fits no group.
 */
export function comparedGroups(
  config: Pick<Config, 'clients'>,
  names: readonly string[] | null,
): readonly ComparedGroup[] {
  if (names !== null) selectClients(config, { names: [], groups: names });
  return groupsOf(config, names);
}

/** Returns the groups as comparedGroups does. Ignores names and patterns that fit no group. */
export function groupsOf(config: Pick<Config, 'clients'>, names: readonly string[] | null): readonly ComparedGroup[] {
  const all = membersOf(config, () => true);
  const isLarge = (group: string): boolean => (all.get(group)?.length ?? 0) >= minMembers;
  const isNamed = (group: string): boolean =>
    names?.some((name) => name === group || globMatcher(name)(group)) ?? false;
  const compared =
    names === null
      ? membersOf(config, (group, groups) => group === groups.findLast(isLarge))
      : new Map([...all].filter(([group]) => isNamed(group)));
  return [...compared]
    .map(([group, clients]) => ({ group, clients }))
    .filter(({ clients }) => clients.length >= minMembers);
}

function membersOf(
  { clients }: Pick<Config, 'clients'>,
  isCompared: (group: string, groups: readonly string[]) => boolean,
): ReadonlyMap<string, readonly string[]> {
  const members = new Map<string, string[]>();
  for (const { name, groups, state } of clients) {
    if (state !== 'active') continue;
    for (const group of groups) {
      if (!isCompared(group, groups)) continue;
      const known = members.get(group);
      if (known === undefined) members.set(group, [name]);
      // Groups of one name may contain each other.
      else if (known.at(-1) !== name) known.push(name);
    }
  }
  return members;
}
