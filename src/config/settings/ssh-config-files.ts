import path from 'node:path';

import { loginHome } from '../../platform/account.ts';
import type { Arrival, SshSettings } from '../config.ts';

/** The facts that decide which ssh_config files apply to a machine. */
export interface SshConfigChoice {
  readonly ssh: SshSettings;
  readonly addressExplicit: boolean;
  /** Absent for a bastion, which is always reached by SSH. */
  readonly arrival?: Arrival;
}

/**
 * Returns the ssh_config files that apply to a machine, the one with precedence first; they need not exist. A file that
 * config.xml names is the only one, as with `ssh -F`. Otherwise the user's and the system's file apply to machines
 * without an ip, which only ssh can resolve, and to transports that may be OpenSSH. For other machines with an ip they
 * do not apply, so that a new ssh_config changes nothing.
 */
export function sshConfigFiles({ ssh, addressExplicit, arrival }: SshConfigChoice): readonly string[] {
  if (ssh.explicit['config'] !== undefined) return ssh.config === null ? [] : [ssh.config];
  if (arrival !== undefined && arrival.kind !== 'ssh') return [];
  return !addressExplicit || ssh.via !== 'ssh2' ? defaultSshConfigFiles() : [];
}

/** Returns the files that ssh itself reads, in its order. */
export function defaultSshConfigFiles(): readonly string[] {
  return [path.join(loginHome(), '.ssh', 'config'), '/etc/ssh/ssh_config'];
}
