import path from 'node:path';

import { loginHome } from '../../platform/account.ts';
import type { SshSettings } from '../config.ts';

/** The facts that decide which ssh_config files count for a machine. */
export interface SshConfigChoice {
  readonly ssh: SshSettings;
  readonly addressExplicit: boolean;
}

/**
 * The ssh_config files that count for a machine, the first to say something first; they need not exist. A file that
 * config.xml names stands alone, as with `ssh -F`. Where it names none, the user's and the system's file count for
 * machines that only ssh can know how to reach (they have no ip) and for those whose transport is OpenSSH; a machine
 * with an ip goes on as it did before its owner had an ssh_config.
 */
export function sshConfigFiles({ ssh, addressExplicit }: SshConfigChoice): readonly string[] {
  if (ssh.explicit['config'] !== undefined) return ssh.config === null ? [] : [ssh.config];
  const bySsh = !addressExplicit || ssh.transport === 'openssh' || ssh.transport === 'auto';
  return bySsh && !['local', 'push', 'http', 'forward'].includes(ssh.transport) ? defaultSshConfigFiles() : [];
}

/** The files that ssh itself reads, in its order. */
export function defaultSshConfigFiles(): readonly string[] {
  return [path.join(loginHome(), '.ssh', 'config'), '/etc/ssh/ssh_config'];
}
