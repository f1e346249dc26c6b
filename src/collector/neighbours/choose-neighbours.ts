import type { Client } from '../../config/config.ts';
import type { UnaskedReason } from '../../report/beside.ts';
import type { Dialled } from '../../transport/transport.ts';
import { subnetOf } from '../schedule/order.ts';

/** A client, with the address that its visit dialled. */
export interface Placed {
  readonly client: Client;
  readonly dialled: Dialled;
}

export interface ChooseOptions {
  /** The clients that this run has visited. */
  readonly reached: readonly Placed[];
  /** Returns the bastions before a client. */
  readonly chainOf: (client: Client) => readonly string[];
  readonly isRestricted: (client: Client) => boolean;
}

export interface Chosen {
  readonly clients: readonly Client[];
  /** The number of the first ones that are of the subnet of the lost one. */
  readonly near: number;
}

/** The clients that are asked about a lost one. */
const asked = 2;
/** The most pairs of address and port that one client is asked about. */
export const maxPairs = 8;

/**
 * Returns a function that chooses who is asked about a lost client, one call after the other: clients behind the same
 * bastions, of the same subnet before others of the innermost group, by name. The same clients are chosen again and
 * again, until they are asked about enough: few are logged in to.
 */
export function createChooser({ reached, chainOf, isRestricted }: ChooseOptions) {
  const asking = reached
    .filter(({ client: { neighbours, arrival } }) => neighbours && arrival.kind === 'ssh' && arrival.via !== 'openssh')
    .map(({ client, dialled }) => ({ client, address: dialled.address, subnet: subnetOf(dialled.address) }))
    .sort((one, other) => (one.client.name < other.client.name ? -1 : 1));
  const pairs = new Map<Client, number>();
  return ({ client: lost, dialled: { address } }: Placed): Chosen | UnaskedReason => {
    const subnet = subnetOf(address);
    const group = lost.groups.at(-1);
    const chain = chainOf(lost).join(' ');
    const near = asking.filter((one) => one.subnet !== null && one.subnet === subnet);
    const isNear = new Set(near.map(({ client }) => client));
    const alike = asking.filter(
      (one) => one.subnet !== subnet && group !== undefined && one.client.groups.at(-1) === group,
    );
    const beside = [...near, ...alike]
      .filter((one) => one.client !== lost && one.address !== address)
      .map(({ client }) => client)
      .filter((client) => chainOf(client).join(' ') === chain);
    const open = beside.filter((client) => !isRestricted(client));
    const chosen = open.filter((client) => (pairs.get(client) ?? 0) < maxPairs).slice(0, asked);
    for (const client of chosen) pairs.set(client, (pairs.get(client) ?? 0) + 1);
    if (chosen.length > 0) return { clients: chosen, near: chosen.filter((client) => isNear.has(client)).length };
    return beside.length === 0 ? 'nobody' : open.length === 0 ? 'restricted' : 'many';
  };
}
