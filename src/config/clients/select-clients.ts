import { rememberedWeakly } from '../../platform/remembered.ts';
import { usageError } from '../../platform/errors/errors.ts';
import type { Client, Config } from '../config.ts';
import { globMatcher, isGlob } from '../values/globs.ts';
import { hasLabels, parseLabelSelector } from '../values/labels.ts';
import { shown } from '../xml/findings.ts';
import { didYouMean } from '../values/nearest.ts';

export interface ClientSelection {
  /** Names of clients; patterns such as `web-*` allowed. */
  readonly names: readonly string[];
  /** Names of groups; patterns allowed. */
  readonly groups: readonly string[];
  /** A selector like `site=ber,role!=db`; left out: clients with any labels. */
  readonly labels?: string | null | undefined;
}

/**
 * Returns the clients that are named or in a named group, in the file's order and whatever their state. Returns all
 * clients if nothing is named. `labels` narrows either result. Throws FleetError `usage` for a name, pattern or label
 * without a match, with the nearest right name.
 */
export function selectClients(config: Pick<Config, 'clients'>, selection: ClientSelection): readonly Client[] {
  const named = namedClients(config, selection);
  const { labels = null } = selection;
  return labels === null ? named : labelledClients(named, labels);
}

/**
 * Returns the clients with the labels. Throws FleetError `usage` if the text selects no labels, or no client has them.
 */
export function labelledClients(clients: readonly Client[], labels: string): readonly Client[] {
  const conditions = parseLabelSelector(labels);
  if (conditions === null) throw usageError(`${shown(labels)} selects no labels`, 'Write it like site=ber,role!=db.');
  const found = clients.filter((client) => hasLabels(client.labels, conditions));
  if (found.length === 0) throw usageError(`no client has the labels ${shown(labels)}`);
  return found;
}

/** Returns the clients by name. A list of clients never changes. */
export const clientsByName = rememberedWeakly(
  (clients: readonly Client[]): ReadonlyMap<string, Client> => new Map(clients.map((client) => [client.name, client])),
);

function namedClients(config: Pick<Config, 'clients'>, { names, groups }: ClientSelection): readonly Client[] {
  if (names.length + groups.length === 0) return config.clients;
  const byName = clientsByName(config.clients);
  const groupNames = new Set(config.clients.flatMap((client) => client.groups));
  const chosen = new Set<string>();
  for (const name of names) for (const found of matching(name, byName.keys(), 'client', config)) chosen.add(found);
  const chosenGroups = new Set(groups.flatMap((name) => matching(name, groupNames, 'group', config)));
  return config.clients.filter(
    (client) => chosen.has(client.name) || client.groups.some((group) => chosenGroups.has(group)),
  );
}

function matching(
  wanted: string,
  known: Iterable<string>,
  what: 'client' | 'group',
  config: Pick<Config, 'clients'>,
): readonly string[] {
  const names = [...known];
  // A name takes precedence over a pattern: the default name of an IPv6 client has brackets.
  if (names.includes(wanted)) return [wanted];
  if (isGlob(wanted) || wanted.startsWith('!') || wanted.includes(',')) {
    const found = names.filter(globMatcher(wanted));
    if (found.length > 0) return found;
    throw usageError(`no ${what} matches "${wanted}"`);
  }
  const renamed = what === 'client' ? config.clients.find((client) => client.was === wanted) : undefined;
  const hint = renamed === undefined ? didYouMean(wanted, names) : `; it is called "${renamed.name}" now`;
  throw usageError(`there is no ${what} "${wanted}"${hint}`);
}
