/** Clients, bastions and the shared objects of a run, for tests of the route to a client. */
import { userInfo } from 'node:os';

import type { Bastion, Client, SshSettings } from '../../../src/config/config.ts';
import type { SshConfigReader } from '../../../src/transport/ssh-config/ssh-config-reader.ts';
import { createTransportShared, type TransportShared } from '../../../src/transport/transport-shared.ts';

export const bareSsh: SshSettings = {
  username: userInfo().username,
  password: null,
  privateKey: null,
  passphrase: null,
  agent: null,
  hostKeys: 'strict',
  knownHosts: '/nowhere/known_hosts',
  config: null,
  kex: null,
  via: 'ssh2',
  proxyJump: null,
  node: null,
  unsealed: 'allow',
  explicit: {},
};

/** Returns a machine's settings, written in its own element unless `explicit` names another place. */
export function ssh(own: Partial<SshSettings>): SshSettings {
  const explicit = Object.fromEntries(Object.keys(own).map((name) => [name, '']));
  return { ...bareSsh, ...own, explicit: { ...explicit, ...own.explicit } };
}

/**
 * Returns a client with an ip of its own unless `addressExplicit` is false. Transports do not use the other fields of a
 * client.
 */
export function sshClient(name: string, own: Partial<SshSettings>, more: Partial<Client> = {}): Client {
  const place = { file: 'config.xml', line: 7 };
  const settings = ssh(own);
  const explicit = more.port === undefined ? settings.explicit : { ...settings.explicit, port: '' };
  const client = {
    name,
    address: name,
    addressExplicit: true,
    port: 22,
    arrival: { kind: 'ssh', via: settings.via },
    ...place,
    ...more,
    ssh: { ...settings, explicit },
  };
  return client as unknown as Client;
}

export function sshBastion(name: string, own: Partial<SshSettings>, more: Partial<Bastion> = {}): Bastion {
  const { address, port, ssh: settings } = sshClient(name, own, { ...more, name });
  return { name, address, port, ssh: settings, file: 'config.xml', line: 3 };
}

export interface Machines {
  readonly bastions?: readonly Bastion[];
  readonly clients?: readonly Client[];
  readonly jumpHosts?: Partial<SshSettings>;
  readonly explicit?: readonly string[];
  readonly tcpTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  readonly sshConfig?: SshConfigReader;
  /** Default: a folder that does not exist. */
  readonly stateDir?: string;
}

/** Returns the objects that the clients of a run share. */
export function sharedFor(machines: Machines = {}): TransportShared {
  const { bastions = [], clients = [], explicit = [], tcpTimeoutMs = 60_000, connectTimeoutMs = 60_000 } = machines;
  const collector = { tcpTimeoutMs, connectTimeoutMs };
  const { stateDir = '/nowhere' } = machines;
  return createTransportShared({
    config: { bastions, clients, explicit, collector, jumpHosts: ssh(machines.jumpHosts ?? {}), stateDir },
    ...(machines.sshConfig === undefined ? {} : { sshConfig: machines.sshConfig }),
  });
}
