import { userInfo } from 'node:os';

import type { Client } from '../config/config.ts';
import { FleetError } from '../errors.ts';
import { revealCredentials } from './credentials.ts';
import { hostName, loadKnownHosts, type KnownHosts } from './known-hosts.ts';
import { createLocalTransport } from './local.ts';
import { opensshTarget } from './openssh-target.ts';
import { createOpensshTransport } from './openssh.ts';
import { createSshTransport } from './ssh.ts';
import type { Transport } from './transport.ts';

/** What the clients of one run share. */
export interface TransportShared {
  /** The known_hosts file of a path, read at its first use. */
  knownHosts(path: string): KnownHosts;
}

/** To be made once a run: known_hosts is read once, whatever the number of clients. */
export function createTransportShared(): TransportShared {
  const files = new Map<string, KnownHosts>();
  return {
    knownHosts: (path) => {
      const known = files.get(path) ?? loadKnownHosts(path);
      files.set(path, known);
      return known;
    },
  };
}

/**
 * The way to a client that its configuration asks for. Never throws: what this version cannot do, and secrets that
 * cannot be read, are refused by `connect` (FleetError `unsupported`, `secret-missing`, `credentials-unusable`).
 */
export function transportFor(client: Client, shared: TransportShared): Transport {
  const { ssh } = client;
  if (ssh.proxyJump !== null) {
    return refusing(client, `proxyJump="${ssh.proxyJump}": connecting through a bastion is not built yet`);
  }
  if (ssh.transport === 'openssh') return createOpensshTransport(opensshTarget(client));
  if (ssh.config !== null) return refusing(client, `config="${ssh.config}": ssh_config files are not read yet`);
  if (ssh.transport === 'local') return createLocalTransport(client.name);
  return {
    connect: async (options) => {
      const transport = createSshTransport({
        client: client.name,
        address: client.address,
        port: client.port,
        knownAs: hostName(client.address, client.port),
        username: ssh.username ?? userInfo().username,
        knownHosts: shared.knownHosts(ssh.knownHosts),
        policy: ssh.hostKeys,
        credentials: () =>
          revealCredentials(client.name, {
            ...ssh,
            privateKeys: ssh.privateKey === null ? [] : [{ path: ssh.privateKey, optional: false }],
            identitiesOnly: false,
          }),
      });
      return await transport.connect(options);
    },
  };
}

function refusing(client: Client, message: string): Transport {
  const error = new FleetError({ client: client.name, code: 'unsupported', stage: 'connect', message });
  return { connect: () => Promise.reject(error) };
}
