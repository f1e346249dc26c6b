import type { Client, Config } from '../../config/config.ts';
import { visitConditions } from '../evaluate/rule-metric.ts';
import { groupBy } from '../../platform/group-by.ts';
import { remembered } from '../../platform/remembered.ts';
import type { Alert } from '../../storage/store/alert.ts';
import { isReturning } from './difference.ts';

/** A bastion behind which no client can be reached. */
export interface LostBastion {
  readonly name: string;
  /** The number of clients of config.xml behind the bastion. */
  readonly behind: number;
  /** The time since which no client behind it was reached. */
  readonly sinceMs: number;
}

export interface Bastions {
  /** Names of the bastions on the route to a client, the nearest to the collector first. */
  readonly routeTo: (client: string) => readonly string[];
  /** Returns the bastion nearest to the collector that keeps a client from being reached, or null. */
  readonly lostFor: (client: string) => LostBastion | null;
  readonly behind: (bastion: string) => number;
  /** Clients behind a bastion whose `unreachable` fires, in order. */
  readonly lostBehind: (bastion: string) => readonly string[];
}

/**
 * Finds the lost bastions: no client behind such a bastion can be reached, and at least two of its clients fire.
 * Clients whose host key is in doubt do not count.
 */
export function openBastions(config: Config, alerts: readonly Alert[]): Bastions {
  const routes = routesOf(config);
  if (routes.size === 0) return { routeTo: () => [], lostFor: () => null, behind: () => 0, lostBehind: () => [] };
  const isOpen = (alert: Alert): boolean =>
    alert.state !== 'resolved' && visitConditions.includes(alert.rule) && !isReturning(alert);
  const conditions = groupBy(alerts.filter(isOpen), ({ client }) => client);
  const clientsBehind = groupBy(
    [...routes].flatMap(([client, route]) =>
      route.map((name) => ({ name, client, open: conditions.get(client) ?? [] })),
    ),
    ({ name }) => name,
  );
  const clientsOf = (name: string): readonly { client: string; open: readonly Alert[] }[] =>
    clientsBehind.get(name) ?? [];
  const lostBehind = remembered((name: string) =>
    clientsOf(name)
      .filter(({ open }) => open.find(({ rule }) => rule === 'unreachable')?.state === 'firing')
      .map(({ client }) => client)
      .sort(),
  );
  const lostSinceMs = remembered((name: string) => {
    if (lostBehind(name).length < 2 || clientsOf(name).some(({ open }) => open.length === 0)) return null;
    const begins = clientsOf(name).map(({ open }) => Math.min(...open.map(({ pendingSinceMs }) => pendingSinceMs)));
    return begins.reduce((one, other) => Math.max(one, other));
  });
  const behind = (name: string): number => clientsOf(name).length;
  const routeTo = (client: string): readonly string[] => routes.get(client) ?? [];
  return {
    routeTo,
    lostFor: (client) => {
      for (const name of routeTo(client)) {
        const sinceMs = lostSinceMs(name);
        if (sinceMs !== null) return { name, behind: behind(name), sinceMs };
      }
      return null;
    },
    behind,
    lostBehind,
  };
}

function routesOf({ bastions, clients }: Config): ReadonlyMap<string, readonly string[]> {
  const jumps = new Map(clients.map(({ name, ssh }) => [name, ssh.proxyJump]));
  // A bastion takes precedence over a client of the same name.
  for (const { name, ssh } of bastions) jumps.set(name, ssh.proxyJump);
  const routeOf = ({ ssh }: Client): readonly string[] => {
    const route: string[] = [];
    // Only the first machine of a proxyJump is reached by its own route.
    for (let names = namesOf(ssh.proxyJump); names.length > 0;) {
      const [first = ''] = names;
      if (route.includes(first)) break;
      route.unshift(...names);
      names = namesOf(jumps.get(first) ?? null);
    }
    return route;
  };
  const jumping = clients.filter(({ ssh, state }) => ssh.proxyJump !== null && state !== 'retired');
  return new Map(jumping.map((client) => [client.name, routeOf(client)]));
}

function namesOf(proxyJump: string | null): readonly string[] {
  return proxyJump === null ? [] : proxyJump.split(',').map((name) => name.trim());
}
