/** A fleet whose clients are SSH servers at addresses of this machine, visited as the collector does. */
import { appendFileSync } from 'node:fs';
import path from 'node:path';

import type { CollectResult } from '../../../src/collector/collect-options.ts';
import type { Client, SshSettings } from '../../../src/config/config.ts';
import { transportFor } from '../../../src/transport/transport-for.ts';
import { createTransportShared } from '../../../src/transport/transport-shared.ts';
import { literal } from '../ssh/both-transports.ts';
import { makeClient, makeConfig, makeFleet, sshSettings, type Fleet, type FleetOptions } from './fleet.ts';
import type { TestServer } from '../ssh/login.ts';

export const account = { username: 'u', password: 'a secret word' } as const;

export interface SshFleet {
  readonly fleet: Fleet;
  readonly clients: readonly Client[];
  readonly ssh: SshSettings;
  /** Adds a client whose host key is known. The known key is the server's, or that of the server `shown`. */
  readonly add: (
    name: string,
    address: string,
    server: TestServer,
    more?: Partial<Client>,
    shown?: TestServer,
  ) => Client;
  /** Visits these clients in a separate run. Default: all clients. */
  readonly collect: (options?: FleetOptions, visited?: readonly Client[]) => Promise<CollectResult>;
}

/** Makes a fleet without clients, whose servers have the account. */
export function makeSshFleet(own: Partial<SshSettings> = {}): SshFleet {
  const fleet = makeFleet();
  const knownHosts = path.join(fleet.dir, 'known_hosts');
  const { username } = account;
  const ssh = { ...sshSettings, username, password: literal(account.password), knownHosts, ...own };
  const clients: Client[] = [];
  return {
    ...{ fleet, clients, ssh },
    add: (name, address, server, more = {}, shown = server) => {
      const line = shown.hostKeyLine(address).replace(`:${shown.port} `, `:${server.port} `);
      appendFileSync(knownHosts, `${line}\n`);
      const client = makeClient(name, { address, port: server.port, ssh, ...more });
      clients.push(client);
      return client;
    },
    collect: (options, visited = clients) => {
      const shared = createTransportShared({ config: makeConfig('/nowhere', []) });
      const connecting = { transportFor: (client: Client) => transportFor(client, shared) };
      return fleet.collect(visited, { concurrency: visited.length, ...connecting, ...options });
    },
  };
}
