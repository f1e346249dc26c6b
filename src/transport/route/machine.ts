import type { Bastion, Client, SshSettings } from '../../config/config.ts';
import type { Jump } from '../../config/values/jumps.ts';
import { sshConfigFiles } from '../../config/settings/ssh-config-files.ts';

/** One machine on a way, as config.xml or a proxyJump writes it: before ssh_config was asked. */
export interface Machine {
  readonly name: string;
  readonly kind: 'client' | 'bastion';
  readonly address: string;
  readonly addressExplicit: boolean;
  /** null: not said. */
  readonly port: number | null;
  /** What the proxyJump itself says; null: nothing. */
  readonly username: string | null;
  readonly ssh: SshSettings;
  /** Where its own element or proxyJump stands. */
  readonly place: string;
  /** As ssh would be asked for it. */
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
    port: saidPort(ssh, port),
    username: null,
    ssh,
    place: placeOf(file, line),
    // Nobody calls a machine by a name that was made of its address.
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
    port: saidPort(ssh, port),
    username: null,
    ssh,
    place: placeOf(file, line),
    asked: name,
    sshConfigFiles: sshConfigFiles({ ssh, addressExplicit: true }),
  };
}

export interface JumpOrigin {
  readonly ssh: SshSettings;
  readonly place: string;
  /** The files that name the jump; null: config.xml does. */
  readonly sshConfigFiles: readonly string[] | null;
}

/** A machine that only a proxyJump names: what `<ssh>` says of machines on the way, and ssh_config. */
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

/** A port that nobody says is 22, and ssh_config may say another. */
function saidPort(ssh: SshSettings, port: number): number | null {
  return ssh.explicit['port'] === undefined && port === 22 ? null : port;
}

function placeOf(file: string, line: number | null): string {
  return line === null ? file : `${file}:${line}`;
}
