import { existsSync, readFileSync } from 'node:fs';

import type { Bastion, Client, Config } from '../config/config.ts';
import { statePaths } from '../state/paths.ts';
import { sshConfigFiles } from '../config/settings/ssh-config-files.ts';
import { createBastionPool, type BastionPool } from './bastions/bastion-pool.ts';
import { besideKeys, revealCredentials } from './credentials/credentials.ts';
import type { Hop } from './route/hop.ts';
import { loadKeyLogins, noKeyLogins, type KeyLogins } from './credentials/key-logins.ts';
import { joinKnownHosts, loadKnownHosts, type KnownHosts } from './known-hosts/known-hosts.ts';
import { resolveRoute, type RouteWorld } from './route/resolve-route.ts';
import type { Route } from './route/route.ts';
import { createSshConfigReader, type SshConfigReader } from './ssh-config/ssh-config-reader.ts';
import { certificateBeside } from './credentials/user-certificate.ts';
import type { SshTarget } from './ssh2/target.ts';

/** What the clients of one run share. */
export interface TransportShared {
  /** What known_hosts files say together, each read at its first use; keys that are taken go to the first. */
  knownHosts(...paths: readonly [string, ...string[]]): KnownHosts;
  /** The way to a client or bastion. Throws FleetError `config-invalid` for a way that cannot be followed. */
  routeTo(target: Client | Bastion): Route;
  /** The machines before a client, nearest first, as a proxyJump would name them; empty where the way cannot be followed. */
  wayTo(client: Client): readonly string[];
  /** What it takes to log in at a machine on the way. */
  targetOf(hop: Hop): SshTarget;
  readonly bastions: BastionPool;
  /** Read when first asked for; `save` is the caller's to call. */
  readonly keyLogins: KeyLogins;
  /** To be called when the last visit has ended: leaves the bastions. */
  close(): Promise<void>;
}

export interface TransportSharedOptions {
  readonly config: Pick<Config, 'bastions' | 'clients' | 'jumpHosts' | 'explicit'> & {
    readonly collector: Pick<Config['collector'], 'tcpTimeoutMs' | 'connectTimeoutMs'>;
    /** Default: nothing is remembered of logins. */
    readonly stateDir?: string;
  };
  readonly sshConfig?: SshConfigReader;
}

/** To be made once a run: known_hosts and ssh_config are read once and bastions logged in once, whatever the number of clients. */
export function createTransportShared({ config, sshConfig }: TransportSharedOptions): TransportShared {
  const files = new Map<string, KnownHosts>();
  const joined = new Map<string, KnownHosts>();
  const besideKeys = new Map<string, string | null>();
  const existing = new Map<string, boolean>();
  let world: RouteWorld | null = null;
  let keyLogins: KeyLogins | null = null;

  const oneFile = (path: string): KnownHosts => {
    const known = files.get(path) ?? loadKnownHosts(path);
    files.set(path, known);
    return known;
  };
  const knownHosts = (...paths: readonly [string, ...string[]]): KnownHosts => {
    const [first, ...others] = paths;
    if (others.length === 0) return oneFile(first);
    const key = paths.join('\0');
    const known = joined.get(key) ?? joinKnownHosts(oneFile(first), ...others.map(oneFile));
    joined.set(key, known);
    return known;
  };
  const besideKey = (file: string): string | null => {
    const known = besideKeys.get(file);
    if (known !== undefined) return known;
    const found = whatIsBeside(file);
    besideKeys.set(file, found);
    return found;
  };
  const keyExists = (file: string): boolean => {
    const known = existing.get(file) ?? existsSync(file);
    existing.set(file, known);
    return known;
  };
  const worldOf = (): RouteWorld => ({
    bastions: new Map(config.bastions.map((bastion) => [bastion.name, bastion])),
    clients: new Map(config.clients.map((client) => [client.name, client])),
    jumpHosts: config.jumpHosts,
    sshConfig: sshConfig ?? createSshConfigReader(),
    besideKey,
    keyExists,
    timeoutsExplicit: ['collector connectTimeout', 'collector tcpTimeout'].some((name) =>
      config.explicit.includes(name),
    ),
  });
  const targetOf = (hop: Hop): SshTarget => ({
    client: hop.name,
    address: hop.address,
    port: hop.port,
    family: hop.family,
    knownAs: hop.knownAs,
    username: hop.username,
    knownHosts: knownHosts(...(hop.knownHosts as readonly [string, ...string[]])),
    policy: hop.policy,
    kex: hop.kex,
    credentials: () => revealCredentials(hop.name, hop.credentials),
  });
  const routeTo = (target: Client | Bastion): Route => resolveRoute(target, (world ??= worldOf()));
  const wayTo = (client: Client): readonly string[] => {
    // No file of ssh_config counts, and config.xml names nobody: most clients of a fleet.
    if (client.ssh.proxyJump === null && sshConfigFiles(client).length === 0) return [];
    try {
      return routeTo(client)
        .hops.slice(0, -1)
        .map(({ name }) => name);
    } catch {
      // The visit finds it again, and tells of it.
      return [];
    }
  };
  const { tcpTimeoutMs, connectTimeoutMs } = config.collector;
  const readKeyLogins = (): KeyLogins => {
    const { stateDir } = config;
    return (keyLogins ??= stateDir === undefined ? noKeyLogins : loadKeyLogins(statePaths(stateDir).keyLogins));
  };
  // A bastion and a client may have one name.
  const keptName = ({ name }: Hop): { readonly name: string; readonly was: null } => ({
    name: `bastion ${name}`,
    was: null,
  });
  const bastions = createBastionPool({
    targetOf: (hop) => {
      const target = targetOf(hop);
      return readKeyLogins().has(keptName(hop)) ? withoutPassword(target, readKeyLogins().file) : target;
    },
    onLogin: (hop, byKey) => {
      if (byKey) readKeyLogins().note(keptName(hop));
    },
    tcpTimeoutMs,
    connectTimeoutMs,
  });
  return {
    knownHosts,
    routeTo,
    wayTo,
    targetOf,
    bastions,
    get keyLogins() {
      return readKeyLogins();
    },
    close: () => bastions.close(),
  };
}

/** Leaves the password out beside a key. A refused login says so. */
function withoutPassword(target: SshTarget, file: string | null): SshTarget {
  return {
    ...target,
    credentials: () => {
      const given = target.credentials();
      const own = besideKeys(given);
      if (given.password === null || own.password !== null) return own;
      const withheld = `the password was not offered, because this bastion has taken a key before (${file ?? 'key-logins'})`;
      return { ...own, problem: [...(own.problem === null ? [] : [own.problem]), withheld].join('; ') };
    },
  };
}

/** What OpenSSH would do with a private key that ssh2 cannot. */
function whatIsBeside(file: string): string | null {
  if (certificateBeside(file) !== null) return 'the certificate beside a key';
  try {
    const text = readFileSync(file.endsWith('.pub') ? file : `${file}.pub`, 'latin1').slice(0, 100);
    return /^sk-(?:ssh|ecdsa)/.test(text) ? 'a security key' : null;
  } catch {
    return null;
  }
}
