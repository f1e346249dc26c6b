import { isIP } from 'node:net';

import type { Client } from '../config/config.ts';
import type { OpensshTarget } from './openssh-arguments.ts';

/** What config.xml says of the way to a client, for ssh; what it does not say is left to ssh_config. */
export function opensshTarget(client: Client): OpensshTarget {
  const { name, address, addressSaid, port, ssh } = client;
  const said = (attribute: string): boolean => ssh.said[attribute] !== undefined;
  return {
    client: name,
    host: addressSaid && !isHostName(name) ? address : name,
    hostName: addressSaid ? address : null,
    port: said('port') ? port : null,
    username: said('username') ? ssh.username : null,
    config: !said('config') ? 'own' : ssh.config === null ? 'none' : { file: ssh.config },
    knownHosts: ssh.knownHosts,
    policy: ssh.hostKeys,
    // The key that the built-in transport would take of itself is not named to ssh, which looks for its own.
    privateKey: said('privateKey') ? (ssh.privateKey ?? 'none') : null,
    agent: said('agent') ? (ssh.agent ?? 'none') : null,
    secrets: () => ({ password: ssh.password?.reveal() ?? null, passphrase: ssh.passphrase?.reveal() ?? null }),
  };
}

/** True for what ssh takes as a host and nothing else: no user, no URI, no option. */
function isHostName(name: string): boolean {
  return isIP(name) !== 0 || /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name);
}
