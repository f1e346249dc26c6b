import type { Client, SshSettings } from '../config/config.ts';
import { FleetError } from '../errors.ts';
import { dialThrough, limitsOf } from './bastion-pool.ts';
import { needsHostCertificate } from './host-key-check.ts';
import { createLocalTransport } from './local.ts';
import { opensshTarget } from './openssh-target.ts';
import { createOpensshTransport } from './openssh.ts';
import type { Route, Unsupported } from './route.ts';
import { createSshTransport } from './ssh.ts';
import type { TransportShared } from './transport-shared.ts';
import type { Connection, ConnectOptions, Transport } from './transport.ts';

/**
 * The way to a client that its configuration asks for. Never throws: what cannot be done, and secrets that cannot be
 * read, are refused by `connect` (FleetError `unsupported`, `config-invalid`, `secret-missing`, `credentials-unusable`).
 */
export function transportFor(client: Client, shared: TransportShared): Transport {
  const { ssh } = client;
  if (ssh.transport === 'local') return createLocalTransport(client.name);
  if (ssh.transport === 'openssh') {
    return { connect: async (options) => await throughOpenssh(client, shared).connect(options) };
  }
  return {
    // Not before: of a fleet of thousands most ways are never asked for, and a fault is that client's.
    connect: async (options) => {
      const route = shared.routeTo(client);
      const [lacking] = whatStopsSsh2(route, ssh.transport);
      if (ssh.transport === 'auto' && (lacking !== undefined || needsCertificates(route, shared))) {
        return await throughOpenssh(client, shared).connect(options);
      }
      if (lacking === undefined) return await connectThrough(route, client, shared, options);
      throw refusal(
        client,
        `${lacking.option} (${lacking.place})${lacking.hop === client.name ? '' : ` of ${lacking.hop}`} is beyond the built-in transport`,
        'Write transport="openssh", or transport="auto" to take it where it is needed; or end it with config="none".',
      );
    },
  };
}

/** `auto` takes OpenSSH for all that it can do better; else only what is needed counts. */
function whatStopsSsh2({ unsupported }: Route, transport: SshSettings['transport']): readonly Unsupported[] {
  return transport === 'auto' ? unsupported : unsupported.filter(({ needed }) => needed);
}

/** True where the key of a machine on the way, the client's own included, is known by an authority alone. */
function needsCertificates({ hops }: Route, shared: TransportShared): boolean {
  return hops.some((hop) => needsHostCertificate(shared.targetOf(hop)));
}

async function connectThrough(
  { hops }: Route,
  client: Client,
  shared: TransportShared,
  options: ConnectOptions,
): Promise<Connection> {
  const hop = hops[hops.length - 1];
  if (hop === undefined) throw new Error('a way without an end');
  const outer = hops.slice(0, -1);
  // The bastion has deadlines of its own, and the client's begin when it stands.
  const bastion = outer.length === 0 ? null : await shared.bastions.reach(outer, client.name, options.signal);
  const dial = bastion === null ? {} : { dial: dialThrough(bastion, hop) };
  return await createSshTransport({ ...shared.targetOf(hop), ...dial }).connect({
    ...options,
    ...limitsOf(hop, options),
  });
}

/** A way that config.xml says is gone here; one of ssh_config's ssh goes by itself. */
function throughOpenssh(client: Client, shared: TransportShared): Transport {
  const route = client.ssh.proxyJump === null ? null : shared.routeTo(client);
  return createOpensshTransport(opensshTarget(client, route));
}

function refusal({ name: client }: Client, message: string, advice: string): FleetError {
  return new FleetError({ client, code: 'unsupported', stage: 'connect', message, advice });
}
