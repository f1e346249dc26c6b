import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';

import type { Bastion, Client, Config } from '../config/config.ts';
import { dayMs } from '../platform/units.ts';
import { remembered } from '../platform/remembered.ts';
import { loadNotedNames, type NotedNames } from '../state-folder/noted-names.ts';
import { statePaths } from '../state-folder/paths.ts';
import { pushKeyFinder } from '../state-folder/push-keys.ts';
import { defaultSshConfigFiles, sshConfigFiles } from '../config/settings/ssh-config-files.ts';
import { BastionPool } from './bastions/bastion-pool.ts';
import { besideKeys, certificateBeside, revealCredentials } from './credentials/credentials.ts';
import type { Hop } from './route/hop.ts';
import { joinKnownHosts, loadKnownHosts, type KnownHosts } from './known-hosts/known-hosts.ts';
import { opensshOnlyIn } from './openssh/openssh-only.ts';
import { resolveRoute, type RouteWorld } from './route/resolve-route.ts';
import type { Route } from './route/route.ts';
import { loadNameMemory, type NameMemory } from './connection/name-memory.ts';
import { createSshConfigReader, type SshConfigReader } from './ssh-config/ssh-config-reader.ts';
import type { SshTarget } from './ssh2/target.ts';

/** The state that all clients of one run share. */
export interface TransportShared {
  /** Returns the joined known_hosts files, each read at its first use. Accepted keys are written to the first file. */
  knownHosts(...paths: readonly [string, ...string[]]): KnownHosts;
  /** Returns the route to a client or bastion. Throws FleetError `config-invalid` for an invalid route. */
  routeTo(target: Client | Bastion): Route;
  /** Returns the names of the bastions before a client, nearest first; an empty list if the route is invalid. */
  jumpsTo(client: Client): readonly string[];
  /**
   * Returns the file of ssh_config with a Host line for the `ip` of a client to which ssh_config does not apply because
   * of that `ip`. Returns null if there is none.
   */
  sshAliasOf(client: Client): string | null;
  /** Returns the data for a login at a machine on the route. */
  targetOf(hop: Hop): SshTarget;
  readonly bastions: BastionPool;
  /**
   * The clients and bastions that have accepted a key alone, read at the first use. They are no longer offered a
   * password beside a key: their root could refuse the key to obtain the password. The caller has to call `save`.
   */
  readonly keyLogins: NotedNames;
  /** The servers that only OpenSSH can talk to: see opensshOnlyIn. The caller has to call `save`. */
  readonly opensshOnly: NotedNames;
  /**
   * The servers that open one channel for each connection, by serverName, for a week. The caller has to call `save`.
   */
  readonly oneChannel: NotedNames;
  /** The names that runs looked up. The caller has to call `save`. */
  readonly names: NameMemory;
  /** Returns the key that an enrolled client and this collector share; null if the client is not enrolled. */
  pushKeyOf(client: string): Buffer | null;
  /** Leaves the bastions. Call it when the last visit has ended. */
  close(): Promise<void>;
}

export interface TransportSharedOptions {
  readonly config: Pick<Config, 'bastions' | 'clients' | 'jumpHosts' | 'explicit' | 'stateDir'> & {
    readonly collector: Pick<Config['collector'], 'tcpTimeoutMs' | 'connectTimeoutMs'>;
  };
  readonly sshConfig?: SshConfigReader;
}

/** Creates the shared state of a run: known_hosts and ssh_config are read once, and bastions are logged in once. */
export function createTransportShared(options: TransportSharedOptions): TransportShared {
  const { config } = options;
  let world: RouteWorld | null = null;
  const { stateDir } = config;
  const paths = statePaths(stateDir);
  const keyLogins = once(() => loadNotedNames({ file: paths.keyLogins }));
  const opensshOnly = once(() => opensshOnlyIn(stateDir));
  const oneChannel = once(() => {
    const forgotten = { afterMs: 7 * dayMs, nowMs: Date.now() };
    return loadNotedNames({ file: paths.oneChannel, forgotten });
  });
  const names = once(() => loadNameMemory({ file: paths.names, nowMs: Date.now() }));
  const oneFile = remembered(loadKnownHosts);
  const joined = remembered((paths: string) => {
    const [first = '', ...others] = paths.split('\0');
    return joinKnownHosts(oneFile(first), ...others.map(oneFile));
  });
  const knownHosts = (...paths: readonly [string, ...string[]]): KnownHosts => joined(paths.join('\0'));
  const targetOf = (hop: Hop): SshTarget => ({
    ...hop,
    client: hop.name,
    ...(isIP(hop.address) === 0 ? { names: names() } : {}),
    knownHosts: knownHosts(...(hop.knownHosts as readonly [string, ...string[]])),
    credentials: () => revealCredentials(hop.name, hop.credentials),
  });
  const worldHere = (): RouteWorld => (world ??= worldOf(options));
  const routeTo = (target: Client | Bastion): Route => resolveRoute(target, worldHere());
  const { tcpTimeoutMs, connectTimeoutMs } = config.collector;
  const bastions = new BastionPool({
    targetOf: (hop) => {
      const target = targetOf(hop);
      return keyLogins().has(bastionName(hop)) ? withoutPassword(target, keyLogins().file) : target;
    },
    onLogin: (hop, byKey) => {
      if (byKey) keyLogins().note(bastionName(hop));
    },
    tcpTimeoutMs,
    connectTimeoutMs,
  });
  return {
    knownHosts,
    routeTo,
    jumpsTo: (client) => jumpsOf(client, routeTo),
    sshAliasOf: (client) => aliasFileOf(client, worldHere().sshConfig),
    targetOf,
    bastions,
    pushKeyOf: pushKeyFinder(paths.pushKeys),
    get opensshOnly() {
      return opensshOnly();
    },
    get names() {
      return names();
    },
    get oneChannel() {
      return oneChannel();
    },
    get keyLogins() {
      return keyLogins();
    },
    close: () => bastions.close(),
  };
}

/** Returns a function that returns what the first call made. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

function jumpsOf(client: Client, routeTo: TransportShared['routeTo']): readonly string[] {
  // Most clients of a fleet have neither an ssh_config file nor a proxyJump in config.xml.
  if (client.ssh.proxyJump === null && sshConfigFiles(client).length === 0) return [];
  try {
    const { hops } = routeTo(client);
    return hops.slice(0, -1).map(({ name }) => name);
  } catch {
    // The visit meets the same fault and reports it.
    return [];
  }
}

function aliasFileOf({ address, addressExplicit, ssh }: Client, reader: SshConfigReader): string | null {
  if (!addressExplicit || isIP(address) !== 0 || ssh.explicit['config'] !== undefined) return null;
  const hasAlias = (file: string): boolean => {
    try {
      return reader.load(file).hostNames.includes(address);
    } catch {
      return false;
    }
  };
  return defaultSshConfigFiles().find(hasAlias) ?? null;
}

/** Returns the data that routes are resolved from. */
function worldOf({ config, sshConfig }: TransportSharedOptions): RouteWorld {
  return {
    bastions: new Map(config.bastions.map((bastion) => [bastion.name, bastion])),
    clients: new Map(config.clients.map((client) => [client.name, client])),
    jumpHosts: config.jumpHosts,
    sshConfig: sshConfig ?? createSshConfigReader(),
    besideKey: remembered(whatIsBeside),
    keyExists: remembered((file) => existsSync(file)),
    timeoutsExplicit: ['connectTimeout', 'tcpTimeout'].some((name) => config.explicit.includes(`collector ${name}`)),
  };
}

/** Returns the name of a bastion in the file of key logins. A bastion and a client may have the same name. */
function bastionName({ name }: Hop): string {
  return `bastion ${name}`;
}

/** Removes the password beside a key. The error of a refused login then mentions that. */
function withoutPassword(target: SshTarget, file: string): SshTarget {
  return {
    ...target,
    credentials: () => {
      const given = target.credentials();
      const own = besideKeys(given);
      if (given.password === null || own.password !== null) return own;
      const withheld = `the password was not offered, because this bastion has taken a key before (${file})`;
      return { ...own, problem: [...(own.problem === null ? [] : [own.problem]), withheld].join('; ') };
    },
  };
}

/** Returns the feature of a key file that only OpenSSH supports; null if there is none. */
function whatIsBeside(file: string): string | null {
  if (certificateBeside(file) !== null) return 'the certificate beside a key';
  try {
    const text = readFileSync(file.endsWith('.pub') ? file : `${file}.pub`, 'latin1').slice(0, 100);
    return /^sk-(?:ssh|ecdsa)/.test(text) ? 'a security key' : null;
  } catch {
    return null;
  }
}
