import { isIP } from 'node:net';

import type { Config } from '../../config/config.ts';
import { usageError } from '../../platform/errors/errors.ts';
import type { Hop } from '../../transport/route/hop.ts';
import type { TransportShared } from '../../transport/transport-shared.ts';
import { usesSsh } from '../../config/clients/arrival.ts';

/**
 * Returns the addresses of `--from`, for `from="..."`. Throws FleetError `usage` for a text that makes sshd refuse the
 * whole line, and for host names, which sshd compares only with UseDNS.
 */
export function fromAddresses(given: readonly string[]): readonly string[] {
  const addresses = given.flatMap((text) => text.split(',').map((address) => address.trim()));
  for (const address of addresses) {
    if (isIP(address) !== 0 || isNetwork(address) || /^(?=.*\d)[\d?*]+(\.[\d?*]+){1,3}$/.test(address)) continue;
    throw usageError(
      `--from ${JSON.stringify(address)} is no address`,
      'Give an IP address, a network without bits of a host (192.0.2.0/24), or a pattern such as 192.0.2.*.',
    );
  }
  return [...new Set(addresses)];
}

/** True if the text is a network in CIDR notation without bits beyond its length, as sshd requires. */
function isNetwork(text: string): boolean {
  const [address = '', length = '', ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0 || !/^\d{1,3}$/.test(length)) return false;
  const bits = family === 4 ? bitsOf(address.split('.'), 10, 8) : bitsOf(groupsOf(address), 16, 16);
  return bits !== null && Number(length) <= bits.length && !bits.slice(Number(length)).includes('1');
}

function bitsOf(parts: readonly string[], radix: number, width: number): string | null {
  if (parts.some((part) => !/^[\da-f]+$/i.test(part))) return null;
  return parts.map((part) => parseInt(part, radix).toString(2).padStart(width, '0')).join('');
}

function groupsOf(address: string): readonly string[] {
  const [head = '', tail] = address.split('::');
  const split = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before, behind] = [split(head), split(tail ?? '')];
  return [...before, ...Array<string>(Math.max(0, 8 - before.length - behind.length)).fill('0'), ...behind];
}

/**
 * Returns the addresses that a machine has to forward to, as `permitopen` takes them: the next hop of each route
 * through it with the same account and keys. Skips routes that cannot be resolved.
 */
export function forwardsThrough(hops: readonly Hop[], config: Config, shared: TransportShared): readonly string[] {
  const own = placeOf(hops);
  const targets = [...config.bastions, ...config.clients.filter(isVisited)];
  const found = new Set<string>();
  for (const target of targets) {
    const hopsOnRoute = routeOf(target, shared);
    for (const [index, { name, address, port }] of hopsOnRoute.entries()) {
      if (index === 0 || placeOf(hopsOnRoute.slice(0, index)) !== own) continue;
      if (!/^[\w.:-]+$/.test(address)) {
        const message = `${name}: ${JSON.stringify(address)} cannot be written into authorized_keys`;
        throw usageError(message, 'Give its IP address.');
      }
      found.add(`${address.includes(':') ? `[${address}]` : address}:${port}`);
    }
  }
  return [...found];
}

/** Returns the client that is the same machine as a bastion, with the same account and keys; else undefined. */
export function clientAt(
  hops: readonly Hop[],
  config: Config,
  shared: TransportShared,
): Config['clients'][number] | undefined {
  const own = placeOf(hops);
  return config.clients.find((client) => isVisited(client) && placeOf(routeOf(client, shared)) === own);
}

function isVisited(client: Config['clients'][number]): boolean {
  return client.state !== 'retired' && usesSsh(client);
}

function routeOf(target: Parameters<TransportShared['routeTo']>[0], shared: TransportShared): readonly Hop[] {
  try {
    return shared.routeTo(target).hops;
  } catch {
    return [];
  }
}

/**
 * Identifies the line of authorized_keys that a route ends at. The whole route counts: many machines may share a
 * private address.
 */
function placeOf(hops: readonly Hop[]): string {
  const last = hops.at(-1);
  const keys = last?.credentials.privateKeys.map(({ path }) => path);
  return JSON.stringify([hops.map(({ address, port }) => [address, port]), last?.username, keys]);
}
