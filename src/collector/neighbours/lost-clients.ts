import { networkInterfaces } from 'node:os';

import type { Client, Rule } from '../../config/config.ts';
import { findRule } from '../../config/rules/rule-matcher.ts';
import { comparableHost, networkMatcher } from '../../config/values/networks.ts';
import type { UnaskedReason } from '../../report/beside.ts';
import type { ClientFacts, VisitRecord } from '../../storage/store/storage.ts';
import type { Dialled } from '../../transport/transport.ts';

/** A client whose visit failed, with the address that the visit dialled last. */
export interface LostClient {
  readonly client: Client;
  readonly visit: VisitRecord;
  readonly dialled: Dialled | null;
}

const connectCodes: readonly string[] = ['connect-timeout', 'connect-failed', 'connect-refused'];

/** True if the network may have kept a visit from its client: no answer, no route, refused, closed before a banner. */
export function failedOnTheWay({ stage, code }: Pick<VisitRecord, 'stage' | 'code'>): boolean {
  return code === 'handshake-closed' || (stage === 'connect' && connectCodes.includes(code ?? ''));
}

/** Addresses that mean another machine, or none, to each that dials them: loopback, link-local, multicast, reserved. */
const isLocal = networkMatcher([
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/127', 'fe80::/10', 'ff00::/8'],
]);

/** True if the visit of a full run is the failure at which `unreachable` begins to fire, and others may be asked. */
export function isLost(
  { client, visit }: Pick<LostClient, 'client' | 'visit'>,
  facts: Pick<ClientFacts, 'consecutiveFailures' | 'uncountedFailures'> | undefined,
  everyMs: number,
): boolean {
  const { neighbours, arrival, state, rules } = client;
  if (!neighbours || arrival.kind !== 'ssh' || state !== 'active' || !failedOnTheWay(visit)) return false;
  const rule = findRule(rules, 'unreachable');
  if (rule === null) return false;
  const { consecutiveFailures, uncountedFailures } = facts ?? { consecutiveFailures: 0, uncountedFailures: 0 };
  return consecutiveFailures - uncountedFailures + 1 === failuresToFire(rule, everyMs);
}

function failuresToFire({ forCount, forMs }: Rule, everyMs: number): number {
  return Math.max(1, forCount ?? Math.ceil((forMs ?? 0) / everyMs - 0.5) + 1);
}

/** The most clients that are asked about in one run. */
export const maxLost = 20;

/** Returns the clients in the order in which they are asked about: the most important first. */
export function byImportance(lost: readonly LostClient[], needing: ReadonlySet<string>): readonly LostClient[] {
  const rank = ({ client: { rules, groups } }: LostClient): number => {
    const isCritical = findRule(rules, 'unreachable')?.severity === 'critical';
    return (isCritical ? 0 : 2) + (groups.some((group) => needing.has(group)) ? 0 : 1);
  };
  return [...lost].sort((one, other) => rank(one) - rank(other) || (one.client.name < other.client.name ? -1 : 1));
}

interface SharingOptions {
  readonly clients: readonly Client[];
  /** The clients whose visits have dialled an address, which names may share. */
  readonly visited: readonly { readonly client: Client; readonly dialled: Dialled | null }[];
  /** Returns the bastions before a client. */
  readonly chainOf: (client: Client) => readonly string[];
}

/**
 * Returns a function that is true for a client whose address another client behind the same bastions has too: that of a
 * gateway.
 */
export function createSharing({ clients, visited, chainOf }: SharingOptions): (client: Client) => boolean {
  const byAddress = new Map<string, Set<Client>>();
  const note = (client: Client, address: string): void => {
    const key = [...chainOf(client), comparableHost(address)].join(' ');
    byAddress.set(key, (byAddress.get(key) ?? new Set()).add(client));
  };
  for (const client of clients) if (client.arrival.kind === 'ssh') note(client, client.address);
  for (const { client, dialled } of visited) if (dialled !== null) note(client, dialled.address);
  const sharing = new Set([...byAddress.values()].flatMap((own) => (own.size > 1 ? [...own] : [])));
  return (client) => sharing.has(client);
}

/** Returns the addresses of this machine. */
export function addressesHere(): ReadonlySet<string> {
  const interfaces = Object.values(networkInterfaces()).flatMap((own = []) => own);
  return new Set(interfaces.map(({ address }) => comparableHost(address)));
}

interface Circumstances {
  readonly isIsolated: boolean;
  readonly isShared: (client: Client) => boolean;
  /** The addresses of this machine, if it dials the client itself. */
  readonly own: ReadonlySet<string>;
}

/** Returns the reason why nobody can be asked about a client; null if others may be. */
export function unaskable(
  { client, dialled }: Pick<LostClient, 'client'> & { readonly dialled: Dialled },
  { isIsolated, isShared, own }: Circumstances,
): UnaskedReason | null {
  if (isIsolated) return 'isolated';
  if (isShared(client)) return 'shared';
  // A tunnel may end at an address of the machine that dials.
  const address = comparableHost(dialled.address);
  if (isLocal(address.replace(/%.*$/, '')) || own.has(address)) return 'local';
  // A zone is the name of an interface of this machine.
  return dialled.address.includes('%') ? 'address' : null;
}
