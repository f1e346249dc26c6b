/** src/config/clients: clients, groups, recipients, warnings. */
import { siteId } from '../../state-folder/collector-id.ts';
import type { Arrival, Bastion, Client } from '../config.ts';

/** True if the collector reaches the machine by SSH. */
export function usesSsh(target: Bastion | Client): boolean {
  return !('arrival' in target) || target.arrival.kind === 'ssh';
}

/** True if a collector with this config.xml asks the client for its reports. */
export function isAsked({ arrival }: Pick<Client, 'arrival'>): boolean {
  return arrival.kind !== 'comes' && arrival.kind !== 'site';
}

/** Returns the interval at which the client pushes its reports; null if the client does not push. */
export function pushIntervalMs({ arrival }: Pick<Client, 'arrival'>): number | null {
  return arrival.kind === 'comes' ? arrival.everyMs : null;
}

/** Returns the site whose collector visits the client and forwards its reports; null if there is none. */
export function forwardingSite({ arrival }: Pick<Client, 'arrival'>): string | null {
  return arrival.kind === 'site' ? arrival.site : null;
}

/** Returns the sites that forward reports of these clients. */
export function forwardingSites(clients: readonly Pick<Client, 'arrival'>[]): ReadonlySet<string> {
  return new Set(clients.flatMap((client) => forwardingSite(client) ?? []));
}

/** Returns the ids under which the runs of the forwarding sites are stored. */
export function forwarderIds(clients: readonly Pick<Client, 'arrival'>[]): ReadonlySet<string> {
  return new Set([...forwardingSites(clients)].map(siteId));
}

/** The values of the attribute `transport` but for those of SSH. */
export const arrivalWords = { local: 'local', asked: 'http', comes: 'push', site: 'forward' } as const;

/** Returns the value of the attribute `transport`. */
export function transportWord(arrival: Arrival): string {
  return arrival.kind === 'ssh' ? arrival.via : arrivalWords[arrival.kind];
}
