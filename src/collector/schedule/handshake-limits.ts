import type { Client, CollectorConfig } from '../../config/config.ts';
import { parseJumps } from '../../config/values/jumps.ts';
import { FleetError } from '../../errors.ts';
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
  /**
   * Halves, down to one, the logins at the machine that turned one away for their number: the client's server or a
   * bastion. Nobody else's are lowered, since a hostile client can say so too. Returns false for any other fault.
   */
  readonly lower: (client: Client, fault: FleetError) => boolean;
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

  const serverOf = (client: Client): string =>
    `server ${[...wayOf(client), client.address.toLowerCase()].join(' ')}:${client.port}`;

  const limitsOf = (client: Client, slow: boolean): readonly Limit[] => {
    const shared = (key: string, most: number): Limit => ({
      key: slow ? `slow ${key}` : key,
      most: Math.max(1, Math.floor(most / (lowered.get(key) ?? 1))),
    });
    if (client.ssh.transport === 'local') return [];
    const way = [...wayOf(client)];
    const subnet = subnetOf(client.address);
    const each = Math.min(slow ? slowPerAddress : perAddress, config.perSubnet);
    return [
      // Behind a bastion the client's own network is not the one that is dialled from here.
      ...way.map((host) => shared(`bastion ${host}`, config.perBastion)),
      ...(way.length === 0 ? [shared(`address ${client.address.toLowerCase()}`, each)] : []),
      ...(way.length === 0 && subnet !== null ? [shared(`subnet ${subnet}`, config.perSubnet)] : []),
      shared(serverOf(client), each),
    ];
  };

  return {
    of: limitsOf,
    lower: (client, fault) => {
      const said = turnedAwayIn(fault);
      if (said === null) return false;
      const key = fault.code === 'bastion-failed' ? `bastion ${said.client?.toLowerCase()}` : serverOf(client);
      lowered.set(key, (lowered.get(key) ?? 1) * 2);
      return true;
    },
  };
}

/** The fault of the machine that turned the login away; null if none did. */
function turnedAwayIn(fault: FleetError): FleetError | null {
  if (fault.code === 'turned-away') return fault;
  return fault.code === 'bastion-failed' && fault.cause instanceof FleetError ? turnedAwayIn(fault.cause) : null;
}
