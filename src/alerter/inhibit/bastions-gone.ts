import type { Client, Config } from '../../config/config.ts';
import { visitConditions } from '../evaluate/rule-metric.ts';
import type { Alert } from '../../storage/store/alert.ts';

/** A bastion behind which nothing can be reached. */
export interface LostBastion {
  readonly name: string;
  /** Clients of config.xml that lie behind it. */
  readonly behind: number;
  /** The time since which no client behind it was reached. */
  readonly sinceMs: number;
}

export interface Bastions {
  /** Names of the bastions on the way to a client, the nearest to the collector first. */
  readonly wayTo: (client: string) => readonly string[];
  /** Returns the bastion nearest to the collector that keeps a client from being reached, or null. */
  readonly lostFor: (client: string) => LostBastion | null;
  readonly behind: (bastion: string) => number;
  /** Clients behind it whose `unreachable` fires, in order. */
  readonly lostBehind: (bastion: string) => readonly string[];
}

/**
 * Finds the bastions that are gone: none of the clients behind one can be reached, and at least two of them fire.
 * Clients whose host key is in doubt do not count.
 */
export function openBastions(config: Config, alerts: readonly Alert[]): Bastions {
  const ways = waysOf(config);
  if (ways.size === 0) return { wayTo: () => [], lostFor: () => null, behind: () => 0, lostBehind: () => [] };
  const conditions = new Map<string, Alert[]>();
  for (const alert of alerts) {
    if (alert.state === 'resolved' || !visitConditions.includes(alert.rule) || !ways.has(alert.client)) continue;
    conditions.set(alert.client, [...(conditions.get(alert.client) ?? []), alert]);
  }
  const behind = new Map<string, number>();
  const firing = new Map<string, string[]>();
  const reachable = new Set<string>();
  const sinceMs = new Map<string, number>();
  for (const [client, way] of ways) {
    const open = conditions.get(client) ?? [];
    const lost = open.find(({ rule }) => rule === 'unreachable');
    const awaySinceMs = Math.min(...open.map(({ pendingSinceMs }) => pendingSinceMs));
    for (const name of way) {
      behind.set(name, (behind.get(name) ?? 0) + 1);
      if (lost?.state === 'firing') {
        const own = firing.get(name) ?? [];
        own.push(client);
        firing.set(name, own);
      }
      if (open.length === 0) reachable.add(name);
      else sinceMs.set(name, Math.max(sinceMs.get(name) ?? -Infinity, awaySinceMs));
    }
  }
  const isLost = (name: string): boolean => !reachable.has(name) && (firing.get(name) ?? []).length >= 2;
  const wayTo = (client: string): readonly string[] => ways.get(client) ?? [];
  return {
    wayTo,
    lostFor: (client) => {
      const name = wayTo(client).find(isLost);
      if (name === undefined) return null;
      return { name, behind: behind.get(name) ?? 0, sinceMs: sinceMs.get(name) ?? -Infinity };
    },
    behind: (name) => behind.get(name) ?? 0,
    lostBehind: (name) => [...(firing.get(name) ?? [])].sort(),
  };
}

function waysOf({ bastions, clients }: Config): ReadonlyMap<string, readonly string[]> {
  const jumps = new Map(clients.map(({ name, ssh }) => [name, ssh.proxyJump]));
  // A bastion comes before a client of the same name.
  for (const { name, ssh } of bastions) jumps.set(name, ssh.proxyJump);
  const wayOf = ({ ssh }: Client): readonly string[] => {
    const way: string[] = [];
    // Only the first machine of a proxyJump is reached by its own way.
    for (let names = namesOf(ssh.proxyJump); names.length > 0;) {
      const [first = ''] = names;
      if (way.includes(first)) break;
      way.unshift(...names);
      names = namesOf(jumps.get(first) ?? null);
    }
    return way;
  };
  const jumping = clients.filter(({ ssh, state }) => ssh.proxyJump !== null && state !== 'retired');
  return new Map(jumping.map((client) => [client.name, wayOf(client)]));
}

function namesOf(proxyJump: string | null): readonly string[] {
  return proxyJump === null ? [] : proxyJump.split(',').map((name) => name.trim());
}
