import type { Client, CollectorConfig } from '../config/config.ts';
import { parseJumps } from '../config/jumps.ts';
import { subnetOf } from './order.ts';
import type { Limit } from './schedule.ts';

/**
 * Logins under way at a time at one address, whatever its ports: sshd begins to drop connections when ten are not
 * logged in yet (MaxStartups 10:30:100), and people log in there too.
 */
const perAddress = 8;
/** More at the same address for clients that did not answer last time: together with the others they stay within ten. */
const slowPerAddress = 2;

/** How many logins may be under way at the same time at what clients share. */
export interface HandshakeLimits {
  /** `slow` clients are counted apart: those that do not answer must not keep places from those that do. */
  readonly of: (client: Client, slow: boolean) => readonly Limit[];
  /** This client's server, or the way to it, turned a login away for their number: half as many from here on, at least one. */
  readonly lower: (client: Client) => void;
}

/**
 * For one run: what was lowered stays so. `wayTo` names the machines before a client for which config.xml says no
 * proxyJump; it is asked once for each.
 */
export function createHandshakeLimits(
  config: Pick<CollectorConfig, 'perBastion' | 'perSubnet'>,
  wayTo: (client: Client) => readonly string[] = () => [],
): HandshakeLimits {
  const lowered = new Map<string, number>();
  const ways = new Map<Client, ReadonlySet<string>>();

  const wayOf = (client: Client): ReadonlySet<string> => {
    const known = ways.get(client);
    if (known !== undefined) return known;
    const { proxyJump } = client.ssh;
    const jumps = (proxyJump === null ? wayTo(client) : [proxyJump]).flatMap((text) => parseJumps(text) ?? []);
    const way = new Set(jumps.map(({ host }) => host.toLowerCase()));
    ways.set(client, way);
    return way;
  };

  const limitsOf = (client: Client, slow: boolean): readonly Limit[] => {
    const shared = (key: string, most: number): Limit => ({
      key: slow ? `slow ${key}` : key,
      most: Math.max(1, Math.floor(most / (lowered.get(key) ?? 1))),
    });
    if (client.ssh.transport === 'local') return [];
    // Behind a bastion the client's own network is not the one that is dialled from here.
    const way = wayOf(client);
    if (way.size > 0) return [...way].map((host) => shared(`bastion ${host}`, config.perBastion));
    const subnet = subnetOf(client.address);
    return [
      shared(`address ${client.address.toLowerCase()}`, Math.min(slow ? slowPerAddress : perAddress, config.perSubnet)),
      ...(subnet === null ? [] : [shared(`subnet ${subnet}`, config.perSubnet)]),
    ];
  };

  return {
    of: limitsOf,
    lower: (client) => {
      for (const { key } of limitsOf(client, false)) {
        // A subnet has many servers, and each of them counts for itself.
        if (!key.startsWith('subnet ')) lowered.set(key, (lowered.get(key) ?? 1) * 2);
      }
    },
  };
}
