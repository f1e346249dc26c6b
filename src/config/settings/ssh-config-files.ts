import path from 'node:path';

import { loginHome } from '../../platform/account.ts';
import type { SshSettings } from '../config.ts';

/** The facts that decide which ssh_config files apply to a machine. */
export interface SshConfigChoice {
  readonly ssh: SshSettings;
  readonly addressExplicit: boolean;
}

/**
 * Returns the ssh_config files that apply to a machine, the one with precedence first; they need not exist. A file that
 * config.xml names is the only one, as with `ssh -F`. Otherwise the user's and the system's file apply to machines
 * without an ip, which only ssh can resolve, and to transports that may be OpenSSH. For other machines with an ip they
 * do not apply, so that a new ssh_config changes nothing.
 */
export function sshConfigFiles({ ssh, addressExplicit }: SshConfigChoice): readonly string[] {
  if (ssh.explicit['config'] !== undefined) return ssh.config === null ? [] : [ssh.config];
  const bySsh = !addressExplicit || ssh.transport === 'openssh' || ssh.transport === 'auto';
  return bySsh && !['local', 'push', 'http', 'forward'].includes(ssh.transport) ? defaultSshConfigFiles() : [];
}

/** Returns the files that ssh itself reads, in its order. */
export function defaultSshConfigFiles(): readonly string[] {
  return [path.join(loginHome(), '.ssh', 'config'), '/etc/ssh/ssh_config'];
}
