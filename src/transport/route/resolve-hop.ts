import path from 'node:path';

import { formatDuration } from '../../text/durations.ts';
import type { Hop, HopCredentials, HopValue, IdentityFile } from './hop.ts';
import { hostName } from '../known-hosts/known-hosts.ts';
import type { Machine } from './machine.ts';
import type { SshConfigReading } from '../ssh-config/ssh-config-reader.ts';
import type { SshSelf } from '../ssh-config/ssh-config-tokens.ts';
import type { Placed } from '../ssh-config/ssh-config-values.ts';

export interface ResolveHopOptions {
  readonly machine: Machine;
  /** null if no ssh_config applies to the machine. */
  readonly reading: SshConfigReading | null;
  /** The file that places the machine behind another. null if the collector dials the machine itself. */
  readonly behind: 'config.xml' | 'ssh_config' | null;
  readonly self: SshSelf;
  /** True if config.xml sets the connection timeouts. */
  readonly timeoutsExplicit: boolean;
}

/** The effective values of a machine, recorded with their sources. */
class HopValues {
  readonly all: HopValue[] = [];
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Returns the first candidate that is not null and records its source. The last candidate is a default. */
  pick<T>(
    attribute: string,
    candidates: readonly (Placed<T> | null | undefined)[],
    show: (value: T) => string | null = (value) => (value === null ? null : String(value)),
  ): T {
    const chosen = candidates.find((candidate) => candidate !== null && candidate !== undefined);
    if (chosen === undefined) throw new Error(`no default for ${attribute}`);
    const value = show(chosen.value);
    if (value !== null) this.all.push({ name: attribute, value, source: chosen.place });
    return chosen.value;
  }

  /** Returns the place where config.xml sets an attribute. Returns null if it does not. */
  placeOf(attribute: string): string | null {
    const { ssh, place: own } = this.#machine;
    const place = ssh.explicit[attribute];
    return place === '' ? own : (place ?? null);
  }

  inConfig<T>(attribute: string, value: T): Placed<T> | null {
    const place = this.placeOf(attribute);
    return place === null ? null : { value, place };
  }

  /** Returns a value of the machine's element or proxyJump; null for null. */
  ofMachine<T>(value: T | null, place = this.#machine.place): Placed<T> | null {
    return value === null ? null : { value, place };
  }
}

function byDefault<T>(value: T, place = 'default'): Placed<T> {
  return { value, place };
}

/**
 * Resolves the settings of a machine: a value from config.xml wins over ssh_config, and ssh_config over the default.
 */
export function resolveHop(options: ResolveHopOptions): Hop {
  const { machine, reading, behind, self } = options;
  const { ssh, name } = machine;
  const sshValues = reading?.values;
  const values = new HopValues(machine);

  const address = values.pick('ip', [
    values.ofMachine(machine.addressExplicit ? machine.address : null),
    sshValues?.hostName,
    byDefault(machine.address, 'its name'),
  ]);
  const portPlace = values.placeOf('port') ?? machine.place;
  const port = values.pick('port', [values.ofMachine(machine.port, portPlace), sshValues?.port, byDefault(22)]);
  const username = values.pick('username', [
    values.ofMachine(machine.username),
    ssh.username === null ? null : values.inConfig('username', ssh.username),
    sshValues?.user,
    ssh.username === null ? null : values.inConfig('usernameOfSsh', ssh.username),
    byDefault(ssh.username ?? self.user),
  ]);
  const credentials = resolveCredentials(options, values);
  const policy = values.pick('hostKeys', [
    values.inConfig('hostKeys', ssh.hostKeys),
    sshValues?.policy,
    byDefault(ssh.hostKeys),
  ]);
  const kex = values.pick<string | null>('kex', [values.inConfig('kex', ssh.kex), sshValues?.kex, byDefault(null)]);
  const knownHosts = values.pick<readonly string[]>(
    'knownHosts',
    [values.inConfig('knownHosts', [ssh.knownHosts]), sshKnownHosts(options), byDefault([ssh.knownHosts])],
    (files) => files.join(', '),
  );
  // Behind another machine an address may belong to several machines, so the host key is filed under the name. Where
  // only ssh_config describes the machine, the host key is filed under the address, as ssh does.
  const knownByName =
    behind !== null && (machine.addressExplicit || (machine.kind === 'client' && behind === 'config.xml'));
  const knownAs = values.pick('host key of', [
    sshValues?.hostKeyAlias,
    knownByName ? { value: hostName(name, port), place: 'its name: it is behind another machine' } : null,
    byDefault(hostName(address, port), 'its address'),
  ]);
  const timeouts = [sshValues?.connectTimeoutMs, byDefault(null)];
  const connectTimeoutMs = options.timeoutsExplicit
    ? null
    : values.pick<number | null>('tcpTimeout', timeouts, (ms) => (ms === null ? null : formatDuration(ms)));
  const family = values.pick<0 | 4 | 6>('address family', [sshValues?.family, byDefault(0)], (version) =>
    version === 0 ? null : `IPv${version}`,
  );
  return {
    ...{ name, kind: machine.kind, address, port, family, username, knownAs, knownHosts, policy, kex },
    ...{ credentials, connectTimeoutMs, values: values.all },
    sshConfig: {
      host: machine.asked,
      files: machine.sshConfigFiles,
      overruled: ssh.explicit['proxyJump'] !== undefined,
    },
  };
}

function resolveCredentials({ machine, reading, self }: ResolveHopOptions, values: HopValues): HopCredentials {
  const { ssh } = machine;
  const sshValues = reading?.values;
  const fromSsh = reading?.answer.all.get('identityfile');
  const own = ssh.privateKey === null ? [] : [{ path: ssh.privateKey, optional: false }];
  const ofSsh = (sshValues?.identityFiles ?? []).map(({ value }) => ({ path: value, optional: true }));
  // The default keys count only if no credentials are configured, as in ssh. Without ssh_config config.xml has taken
  // the first one that exists; if there is none, all are named here, so that a login says where it looked.
  const bare = ssh.explicit['password'] === undefined && ssh.explicit['agent'] === undefined;
  const privateKeys = values.pick<readonly IdentityFile[]>(
    'privateKey',
    [
      values.inConfig('privateKey', own),
      fromSsh === undefined ? null : { value: ofSsh, place: fromSsh.map(({ place }) => place).join(', ') },
      byDefault(bare && (reading !== null || ssh.privateKey === null) ? defaultKeys(self.home) : own),
    ],
    (keys) => keys.map(({ path: file }) => file).join(', ') || 'none',
  );
  const ofAgent: Placed<string | null> | null | undefined =
    sshValues?.identityAgent?.value === 'none' ? { ...sshValues.identityAgent, value: null } : sshValues?.identityAgent;
  const agent = values.pick<string | null>(
    'agent',
    [values.inConfig('agent', ssh.agent), ofAgent, byDefault(ssh.agent)],
    (socket) => socket ?? 'none',
  );
  const identitiesOnly = values.pick('identities only', [sshValues?.identitiesOnly, byDefault(false)], (only) =>
    only ? 'yes' : null,
  );
  values.pick('password', [values.inConfig('password', ssh.password), byDefault(null)], (secret) =>
    secret === null ? null : 'set, not shown',
  );
  return { password: ssh.password, passphrase: ssh.passphrase, privateKeys, agent, identitiesOnly };
}

/** Returns the default private keys (ssh(1), -i). Omits FIDO keys, which ssh2 cannot use. */
function defaultKeys(home: string): readonly IdentityFile[] {
  return ['id_rsa', 'id_ecdsa', 'id_ed25519'].map((name) => ({ path: path.join(home, '.ssh', name), optional: true }));
}

/**
 * Returns the known_hosts files: the program's own file first, because `trust` writes to it, then ssh's files. Returns
 * null if no ssh_config applies.
 */
function sshKnownHosts({ machine, reading, self }: ResolveHopOptions): Placed<readonly string[]> | null {
  if (reading === null) return null;
  const { userKnownHosts, globalKnownHosts } = reading.values;
  const user =
    userKnownHosts?.value ?? ['known_hosts', 'known_hosts2'].map((name) => path.join(self.home, '.ssh', name));
  const global = globalKnownHosts?.value ?? ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];
  const places = [userKnownHosts, globalKnownHosts].flatMap((files) => files?.place ?? []);
  return {
    value: [machine.ssh.knownHosts, ...user, ...global],
    place: places.length === 0 ? 'default, and those of ssh' : `default, and ${places.join(', ')}`,
  };
}
