import type { Client } from '../../config/config.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { groupBy } from '../../platform/group-by.ts';
import { remembered } from '../../platform/remembered.ts';
import type { UnaskedReason } from '../../report/beside.ts';
import type { Dialled } from '../../transport/transport.ts';
import { subnetOf } from '../schedule/order.ts';
import { addressesHere, createSharing, unaskable } from './lost-clients.ts';

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

/** True if a client may be asked about others, if its key lets anything but its agent run. */
function canBeAsked({ neighbours, arrival }: Client): boolean {
  return neighbours && arrival.kind === 'ssh' && arrival.via !== 'openssh';
}

interface ForeseeOptions extends Pick<ChooseOptions, 'chainOf' | 'isRestricted'> {
  readonly clients: readonly Client[];
}

/**
 * Returns the clients about which others are asked, each with the reason why nobody could be asked, as far as
 * config.xml says; null if somebody could. A name has no subnet before a visit has looked it up.
 */
export function foreseeLooks({ clients, chainOf, isRestricted }: ForeseeOptions): ReadonlyMap<Client, Foreseen> {
  const active = clients.filter(({ state }) => state === 'active');
  const chainWords = remembered((client: Client) => chainOf(client).join(' '));
  const placesOf = remembered((client: Client): readonly string[] => {
    const subnet = subnetOf(client.address);
    const group = client.groups.at(-1);
    return [
      ...(subnet === null ? [] : [`${chainWords(client)}\0subnet ${subnet}`]),
      ...(group === undefined ? [] : [`${chainWords(client)}\0group ${group}`]),
    ];
  });
  const byPlace = groupBy(
    active.filter(canBeAsked).flatMap((client) => placesOf(client).map((place) => ({ client, place }))),
    ({ place }) => place,
  );
  const isShared = createSharing({ clients, visited: [], chainOf });
  const here = addressesHere();
  const foreseen = (client: Client): Foreseen => {
    if (client.arrival.kind === 'ssh' && client.arrival.via === 'openssh') return 'address';
    const own = chainOf(client).length === 0 ? here : new Set<string>();
    const dialled = { address: client.address, port: client.port };
    const why = unaskable({ client, dialled }, { isIsolated: false, isShared, own });
    if (why !== null) return why;
    let found: Foreseen = 'nobody';
    for (const place of placesOf(client)) {
      for (const other of byPlace.get(place) ?? []) {
        if (other.client === client || other.client.address === client.address) continue;
        if (!isRestricted(other.client)) return null;
        found = 'restricted';
      }
    }
    return found;
  };
  const concerned = active.filter(
    ({ neighbours, arrival, rules }) => neighbours && arrival.kind === 'ssh' && findRule(rules, 'unreachable') !== null,
  );
  return new Map(concerned.map((client) => [client, foreseen(client)]));
}

type Foreseen = UnaskedReason | null;

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
    .filter(({ client }) => canBeAsked(client))
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
