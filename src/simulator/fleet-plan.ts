import { deadCauses, maxBehindBastion, profiles } from './profile.ts';
import type { Ailment, DeadCause, ProfileName, StormPart } from './profile.ts';
import { shuffled } from './seeded.ts';

/** The settings from which a simulated fleet is computed. */
export interface FleetPlan {
  readonly seed: number;
  readonly clients: number;
  readonly profile: ProfileName;
  /** The port of all servers, each of which has an address of its own. */
  readonly port: number;
  /** The start of the calm before the first storm, in milliseconds since 1970. */
  readonly startedAtMs: number;
  /** The interval of the collector's runs, the unit of a storm's length. */
  readonly everyMs: number;
}

export type ClientKind = 'web' | 'db' | 'cache' | 'batch' | 'store';

/** The properties of a client that do not depend on the time. */
export interface SimulatedClient {
  readonly index: number;
  readonly name: string;
  /** The name of the group in config.xml. */
  readonly group: string;
  readonly kind: ClientKind;
  /** The client's address of loopback. */
  readonly address: string;
  readonly behindBastion: boolean;
  readonly dead: DeadCause | null;
  readonly ailment: Ailment | null;
  readonly storm: StormPart | null;
}

export const maxClients = 100_000;
/** The bastion's address, which no client has. */
export const bastionAddress = '127.63.0.1';
export const bastionName = 'bastion-1';
const firstOctet = 64;
const hostsInSubnet = 250;

/** The kinds of clients and their shares, consecutive in the fleet so that each group has subnets of its own. */
const kinds: readonly (readonly [ClientKind, number])[] = [
  ['web', 0.5],
  ['db', 0.15],
  ['cache', 0.1],
  ['batch', 0.2],
  ['store', 1],
];

/** Returns all clients of the fleet in the order of their indexes. */
export function planFleet({ seed, clients, profile }: FleetPlan): readonly SimulatedClient[] {
  const { deadShare, ailments, storm } = profiles[profile];
  const atLeastOne = (share: number): number => Math.max(1, Math.round(clients * share));
  const behind = storm === null ? 0 : Math.min(maxBehindBastion, atLeastOne(storm.bastion));
  const inRack = storm === null ? 0 : atLeastOne(storm.rack);
  const order = shuffled(clients, seed).filter((index) => index >= inRack && index < clients - behind);
  const dead = new Map<number, DeadCause>();
  const ailing = new Map<number, Ailment>();
  const stormy = new Map<number, StormPart>();
  let taken = 0;
  const take = <T>(places: Map<number, T>, what: T, count: number): void => {
    for (const index of order.subarray(taken, taken + count)) places.set(index, what);
    taken += count;
  };
  const causes = Object.keys(deadCauses) as DeadCause[];
  const deadCount =
    deadShare === 0 ? 0 : Math.min(clients >> 1, Math.max(causes.length, Math.round(clients * deadShare)));
  for (let turn = 0; turn < deadCount; turn++) take(dead, causes[turn % causes.length] ?? 'refused', 1);
  for (const [ailment, share] of Object.entries(ailments)) take(ailing, ailment as Ailment, atLeastOne(share));
  for (const [part, share] of Object.entries(storm ?? {})) {
    if (part !== 'bastion' && part !== 'rack') take(stormy, part as StormPart, atLeastOne(share));
  }

  const digits = String(clients).length;
  return Array.from({ length: clients }, (_, index) => {
    const behindBastion = index >= clients - behind;
    const kind = kindAt(index / clients);
    const group = behindBastion ? 'behind-bastion' : kind;
    // The machines of one rack are neighbours: the first ones of the fleet.
    const place: StormPart | null = behindBastion ? 'bastion' : index < inRack ? 'rack' : null;
    return {
      index,
      name: `${kind}-${String(index + 1).padStart(digits, '0')}`,
      group,
      kind,
      address: addressOf(index),
      behindBastion,
      dead: dead.get(index) ?? null,
      ailment: ailing.get(index) ?? null,
      storm: place ?? stormy.get(index) ?? null,
    };
  });
}

function kindAt(place: number): ClientKind {
  let upTo = 0;
  for (const [kind, share] of kinds) {
    upTo += share;
    if (place < upTo) return kind;
  }
  return 'store';
}

function addressOf(index: number): string {
  const subnet = Math.floor(index / hostsInSubnet);
  return `127.${firstOctet + (subnet >> 8)}.${subnet & 255}.${1 + (index % hostsInSubnet)}`;
}
