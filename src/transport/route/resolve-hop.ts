import path from 'node:path';

import { formatDuration } from '../../text/durations.ts';
import type { Hop, HopCredentials, HopValue, IdentityFile } from './hop.ts';
import { hostName } from '../known-hosts/known-hosts.ts';
import type { Machine } from './machine.ts';
import type { SshConfigReading } from '../ssh-config/ssh-config-reader.ts';
import type { Placed, SshSelf } from '../ssh-config/ssh-config-values.ts';

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

/**
 * Resolves the settings of a machine: a value from config.xml wins over ssh_config, and ssh_config over the default.
 */
export function resolveHop(options: ResolveHopOptions): Hop {
  const { machine, reading, behind, self } = options;
  const { ssh, name } = machine;
  const said = reading?.values ?? null;
  const values: HopValue[] = [];
  const placeOf = (attribute: string): string | null => {
    const place = ssh.explicit[attribute];
    return place === '' ? machine.place : (place ?? null);
  };
  /** Returns the first candidate that is not null and records its source. */
  const pick = <T>(
    attribute: string,
    candidates: readonly (Placed<T> | null)[],
    show: (value: T) => string | null,
  ): T => {
    const chosen = candidates.find((candidate) => candidate !== null);
    // The last candidate is a default, which is never null.
    if (chosen === undefined) throw new Error(`no default for ${attribute}`);
    const value = show(chosen.value);
    if (value !== null) values.push({ name: attribute, value, source: chosen.place });
    return chosen.value;
  };
  const inConfig = <T>(attribute: string, value: T): Placed<T> | null => {
    const place = placeOf(attribute);
    return place === null ? null : { value, place };
  };
  const byDefault = <T>(value: T, place = 'default'): Placed<T> => ({ value, place });

  const address = pick(
    'ip',
    [
      machine.addressExplicit ? { value: machine.address, place: machine.place } : null,
      said?.hostName ?? null,
      byDefault(machine.address, 'its name'),
    ],
    String,
  );
  const port = pick(
    'port',
    [
      machine.port === null ? null : { value: machine.port, place: placeOf('port') ?? machine.place },
      said?.port ?? null,
      byDefault(22),
    ],
    String,
  );
  const username = pick(
    'username',
    [
      machine.username === null ? null : { value: machine.username, place: machine.place },
      ssh.username === null ? null : inConfig('username', ssh.username),
      said?.user ?? null,
      ssh.username === null ? null : inConfig('usernameOfSsh', ssh.username),
      byDefault(ssh.username ?? self.user),
    ],
    String,
  );
  const credentials = resolveCredentials(options, pick, inConfig);
  const policy = pick(
    'hostKeys',
    [inConfig('hostKeys', ssh.hostKeys), said?.policy ?? null, byDefault(ssh.hostKeys)],
    String,
  );
  const kex = pick<string | null>(
    'kex',
    [inConfig('kex', ssh.kex), said?.kex ?? null, byDefault<string | null>(null)],
    (names) => names,
  );
  const knownHosts = pick(
    'knownHosts',
    [inConfig('knownHosts', [ssh.knownHosts]), sshKnownHosts(options), byDefault<readonly string[]>([ssh.knownHosts])],
    (files) => files.join(', '),
  );
  // Behind another machine an address may belong to several machines, so the host key is filed under the name. Where
  // only ssh_config describes the machine, the host key is filed under the address, as ssh does.
  const knownByName =
    behind !== null && (machine.addressExplicit || (machine.kind === 'client' && behind === 'config.xml'));
  const knownAs = pick(
    'host key of',
    [
      said?.hostKeyAlias ?? null,
      knownByName ? { value: hostName(name, port), place: 'its name: it is behind another machine' } : null,
      byDefault(hostName(address, port), 'its address'),
    ],
    String,
  );
  const connectTimeoutMs = options.timeoutsExplicit
    ? null
    : pick<number | null>('tcpTimeout', [said?.connectTimeoutMs ?? null, byDefault(null)], (ms) =>
        ms === null ? null : formatDuration(ms),
      );
  const family = pick<0 | 4 | 6>('address family', [said?.family ?? null, byDefault<0 | 4 | 6>(0)], (version) =>
    version === 0 ? null : `IPv${version}`,
  );
  return {
    name,
    kind: machine.kind,
    address,
    port,
    family,
    username,
    knownAs,
    knownHosts,
    policy,
    kex,
    credentials,
    connectTimeoutMs,
    sshConfig: {
      host: machine.asked,
      files: machine.sshConfigFiles,
      overruled: ssh.explicit['proxyJump'] !== undefined,
    },
    values,
  };
}

type Pick = <T>(attribute: string, candidates: readonly (Placed<T> | null)[], show: (value: T) => string | null) => T;
type InConfig = <T>(attribute: string, value: T) => Placed<T> | null;

function resolveCredentials(
  { machine, reading, self }: ResolveHopOptions,
  pick: Pick,
  inConfig: InConfig,
): HopCredentials {
  const { ssh } = machine;
  const said = reading?.values ?? null;
  const fromSsh = reading?.answer.all.get('identityfile');
  const own: readonly IdentityFile[] = ssh.privateKey === null ? [] : [{ path: ssh.privateKey, optional: false }];
  const ofSsh: readonly IdentityFile[] = (said?.identityFiles ?? []).map(({ value }) => ({
    path: value,
    optional: true,
  }));
  // The default keys count only if no credentials are configured, as in ssh.
  const bare = ssh.explicit['password'] === undefined && ssh.explicit['agent'] === undefined;
  const usual = reading === null || !bare ? own : defaultKeys(self.home);
  const privateKeys = pick(
    'privateKey',
    [
      inConfig('privateKey', own),
      fromSsh === undefined ? null : { value: ofSsh, place: fromSsh.map(({ place }) => place).join(', ') },
      { value: usual, place: 'default' },
    ],
    (keys) => (keys.length === 0 ? 'none' : keys.map(({ path: file }) => file).join(', ')),
  );
  const identityAgent = said?.identityAgent ?? null;
  const agent = pick<string | null>(
    'agent',
    [
      inConfig('agent', ssh.agent),
      identityAgent === null
        ? null
        : { ...identityAgent, value: identityAgent.value === 'none' ? null : identityAgent.value },
      { value: ssh.agent, place: 'default' },
    ],
    (socket) => socket ?? 'none',
  );
  const identitiesOnly = pick(
    'identities only',
    [said?.identitiesOnly ?? null, { value: false, place: 'default' }],
    (only) => (only ? 'yes' : null),
  );
  pick('password', [inConfig('password', ssh.password), { value: null, place: 'default' }], (secret) =>
    secret === null ? null : 'said, not shown',
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
