import type { Bastion, Client, SshSettings } from '../../config/config.ts';
import type { Jump } from '../../config/values/jumps.ts';
import { sshConfigFiles } from '../../config/settings/ssh-config-files.ts';
import { placeInFile } from '../../text/plain-text.ts';

/** A machine on a route as config.xml or a proxyJump describes it, before ssh_config is read. */
export interface Machine {
  readonly name: string;
  readonly kind: 'client' | 'bastion';
  readonly address: string;
  readonly addressExplicit: boolean;
  /** null if config.xml and the proxyJump set no port. */
  readonly port: number | null;
  /** The user name in the proxyJump. null if the proxyJump has none. */
  readonly username: string | null;
  readonly ssh: SshSettings;
  /** The place of the machine's element or proxyJump. */
  readonly place: string;
  /** The host name that ssh would be called with. */
  readonly asked: string;
  readonly sshConfigFiles: readonly string[];
}

export function clientMachine(client: Client): Machine {
  const { name, address, addressExplicit, port, ssh, file, line } = client;
  return {
    name,
    kind: 'client',
    address,
    addressExplicit,
    port: explicitPort(ssh, port),
    username: null,
    ssh,
    place: placeInFile(file, line),
    // A name that was generated from the address matches no Host line.
    asked: name === address || /:\d+$/.test(name) ? address : name,
    sshConfigFiles: sshConfigFiles(client),
  };
}

export function bastionMachine({ name, address, port, ssh, file, line }: Bastion): Machine {
  return {
    name,
    kind: 'bastion',
    address,
    addressExplicit: true,
    port: explicitPort(ssh, port),
    username: null,
    ssh,
    place: placeInFile(file, line),
    asked: name,
    sshConfigFiles: sshConfigFiles({ ssh, addressExplicit: true }),
  };
}

export interface JumpOrigin {
  readonly ssh: SshSettings;
  readonly place: string;
  /** The ssh_config files that name the jump. null if config.xml names it. */
  readonly sshConfigFiles: readonly string[] | null;
}

/** Returns a machine that only a proxyJump names. Its settings come from `<ssh>` and from ssh_config. */
export function jumpMachine({ host, user, port }: Jump, { ssh, place, sshConfigFiles: files }: JumpOrigin): Machine {
  const at = user === null ? '' : `${user}@`;
  const literal = host.includes(':') ? `[${host}]` : host;
  return {
    name: port === null ? `${at}${host}` : `${at}${literal}:${port}`,
    kind: 'bastion',
    address: host,
    addressExplicit: false,
    port: port ?? null,
    username: user,
    ssh,
    place,
    asked: host,
    sshConfigFiles: files ?? sshConfigFiles({ ssh, addressExplicit: false }),
  };
}

/** Returns null for a port 22 that is not set explicitly, because ssh_config may set another port. */
function explicitPort(ssh: SshSettings, port: number): number | null {
  return ssh.explicit['port'] === undefined && port === 22 ? null : port;
}
