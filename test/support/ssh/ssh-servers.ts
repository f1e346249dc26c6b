import { dropbearMissing, startDropbear, type Dropbear } from './dropbear.ts';
import { sshdMissing, startSshd, type Sshd } from './sshd.ts';

/** A kind of SSH server that both transports are tested with. */
export interface SshServer {
  readonly name: string;
  readonly missing: string | null;
  readonly start: () => Promise<Sshd | Dropbear>;
  /** The pattern of one log line for each login. `ended` is that of one for each connection that has ended. */
  readonly login: RegExp;
  readonly ended: RegExp;
}

export const sshServers: readonly SshServer[] = [
  {
    name: 'OpenSSH',
    missing: sshdMissing(),
    start: startSshd,
    login: /Accepted publickey/g,
    ended: /Closing connection to|Connection (?:closed|reset) by|Disconnected from user|: Broken pipe/g,
  },
  {
    name: 'dropbear',
    missing: dropbearMissing(),
    start: startDropbear,
    login: /Pubkey auth succeeded/g,
    ended: /Exit \(/g,
  },
];
