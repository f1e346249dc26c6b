import type { Client, CollectorConfig } from '../../config/config.ts';
import { parseJumps } from '../../config/values/jumps.ts';
import { comparableHost } from '../../config/values/networks.ts';
import { FleetError } from '../../platform/errors/errors.ts';
import { remembered } from '../../platform/remembered.ts';
import { subnetOf } from './order.ts';
import type { Limit } from './work-queue.ts';

/**
 * The most concurrent logins at one address, on all ports. sshd begins to drop connections when ten are not logged in
 * yet (MaxStartups 10:30:100), and people log in there too.
 */
const perAddress = 8;
/** The further logins at one address for clients that did not answer last time. The sum stays within ten. */
const slowPerAddress = 2;

export type HandshakeLimits = ReturnType<typeof createHandshakeLimits>;

/**
 * Creates the limits of concurrent logins at addresses and machines that clients share, for one run. A lowered limit
 * stays low. `jumpsTo` names the bastions before a client without a proxyJump in config.xml; called once for each.
 */
export function createHandshakeLimits(
  config: Pick<CollectorConfig, 'perBastion' | 'perSubnet'>,
  jumpsTo: (client: Client) => readonly string[] = () => [],
) {
  const lowered = new Map<string, number>();
  const bastionsOf = remembered((client: Client): ReadonlySet<string> => {
    const { proxyJump } = client.ssh;
    const jumps = (proxyJump === null ? jumpsTo(client) : [proxyJump]).flatMap((text) => parseJumps(text) ?? []);
    return new Set(jumps.map(({ host }) => comparableHost(host)));
  });

  const serverOf = (client: Client): string =>
    `server ${[...bastionsOf(client), comparableHost(client.address)].join(' ')}:${client.port}`;

  const limitsOf = (client: Client, slow: boolean): readonly Limit[] => {
    const shared = (key: string, most: number): Limit => ({
      key: slow ? `slow ${key}` : key,
      most: Math.max(1, Math.floor(most / (lowered.get(key) ?? 1))),
    });
    if (client.arrival.kind === 'local') return [];
    const hosts = [...bastionsOf(client)];
    const subnet = subnetOf(client.address);
    const each = Math.min(slow ? slowPerAddress : perAddress, config.perSubnet);
    return [
      // The collector does not connect to the network of a client behind a bastion.
      ...hosts.map((host) => shared(`bastion ${host}`, config.perBastion)),
      ...(hosts.length === 0 ? [shared(`address ${comparableHost(client.address)}`, each)] : []),
      ...(hosts.length === 0 && subnet !== null ? [shared(`subnet ${subnet}`, config.perSubnet)] : []),
      shared(serverOf(client), each),
    ];
  };

  return {
    /** Returns the hosts of the bastions before a client, nearest to the collector first. */
    bastionsOf,
    /**
     * Returns the limits of a client. Counts `slow` clients apart: clients that do not answer must not take slots from
     * others.
     */
    of: limitsOf,
    /**
     * Halves, down to one, the concurrent logins at the machine whose sshd rejected a login for their number: the
     * client's server or a bastion. Lowers no other limit, because a hostile client can claim this fault too. Returns
     * false for any other fault.
     */
    lower: (client: Client, fault: FleetError): boolean => {
      const rejection = rejectionIn(fault);
      if (rejection === null) return false;
      const key =
        fault.code === 'bastion-failed' ? `bastion ${comparableHost(rejection.client ?? '')}` : serverOf(client);
      lowered.set(key, (lowered.get(key) ?? 1) * 2);
      return true;
    },
  };
}

/** Returns the fault of the machine whose sshd rejected the login; null if there is none. */
function rejectionIn(fault: FleetError): FleetError | null {
  if (fault.code === 'sshd-rejection') return fault;
  return fault.code === 'bastion-failed' && fault.cause instanceof FleetError ? rejectionIn(fault.cause) : null;
}
