import { isIPv4, isIPv6 } from 'node:net';

import type { Client } from '../../config/config.ts';
import { groupBy } from '../../platform/group-by.ts';
import { jitterFraction } from '../../platform/jitter.ts';
import { comparableHost } from '../../config/values/networks.ts';

/** The facts that determine a client's position in the order. */
export type Placed = Pick<Client, 'name' | 'address' | 'groups'>;

/**
 * Returns the clients in the order of their visits. Spreads the clients of one group, and of one subnet in it, evenly
 * over the run, so that no rack or switch is visited all at once. `turn` differs from run to run and moves every
 * client, so that none is always last. The same input gives the same order.
 */
export function visitOrder<T extends Placed>(clients: readonly T[], turn: number): readonly T[] {
  const perGroup = [...groupBy(clients, (client) => client.groups.join('/'))].map(([group, members]): Bucket<T> => {
    const perSubnet = groupBy(members, (client) => subnetOf(client.address) ?? client.name);
    return [group, spread([...perSubnet], turn)];
  });
  return spread(perGroup, turn);
}

type Bucket<T> = readonly [key: string, members: readonly T[]];

/** Gives the members of a bucket of n the positions offset/n, (offset + 1)/n, ... of the whole. Sorts by position. */
function spread<T>(buckets: readonly Bucket<T>[], turn: number): readonly T[] {
  const placed = buckets.flatMap(([key, members]) => {
    const offset = jitterFraction(`${turn} ${key}`);
    return members.map((_, index) => ({
      member: members[(index + turn) % members.length] as T,
      place: (index + offset) / members.length,
      key,
    }));
  });
  return placed.sort((a, b) => a.place - b.place || (a.key < b.key ? -1 : 1)).map(({ member }) => member);
}

/** Returns the /24 of an IPv4 address, the /64 of an IPv6 address; null for a name. */
export function subnetOf(host: string): string | null {
  const address = comparableHost(host);
  if (isIPv4(address)) return address.split('.', 3).join('.');
  if (!isIPv6(address)) return null;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::', 2);
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const parts =
    tail === undefined ? left : [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return parts
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, ''))
    .join(':');
}
