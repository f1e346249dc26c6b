import type { Client } from '../../config/config.ts';
import type { OpensshTarget } from './openssh-arguments.ts';
import { isHostName, namesOf } from './openssh-hop-config.ts';
import type { Route } from '../route/route.ts';

/**
 * Returns the ssh target of a client by config.xml, and leaves other settings to ssh_config. `route` is the route by
 * config.xml, null if config.xml configures none.
 */
export function opensshTarget(client: Client, route: Route | null): OpensshTarget {
  const { name, address, addressExplicit, port, ssh } = client;
  const isExplicit = (attribute: string): boolean => ssh.explicit[attribute] !== undefined;
  const own = route?.hops.at(-1) ?? null;
  // Behind another machine, the host key is known by the client's name, and that machine dials the client's address.
  const known = own === null ? { called: addressExplicit ? address : null, alias: null } : namesOf(own);
  return {
    client: name,
    host: addressExplicit && !isHostName(name) ? address : name,
    hostName: known.called,
    hostKeyAlias: known.alias,
    port: own !== null ? own.port : isExplicit('port') ? port : null,
    username: isExplicit('username') ? ssh.username : null,
    config: !isExplicit('config') ? 'own' : ssh.config === null ? 'none' : { file: ssh.config },
    knownHosts: ssh.knownHosts,
    policy: ssh.hostKeys,
    kex: isExplicit('kex') ? ssh.kex : null,
    // The default key of the built-in transport is not passed on: ssh has default keys of its own.
    privateKey: isExplicit('privateKey') ? (ssh.privateKey ?? 'none') : null,
    agent: isExplicit('agent') ? (ssh.agent ?? 'none') : null,
    route:
      route !== null && own !== null
        ? { hops: route.hops.slice(0, -1), address: own.address, port: own.port }
        : isExplicit('proxyJump')
          ? 'direct'
          : null,
    secrets: () => ({ password: ssh.password?.reveal() ?? null, passphrase: ssh.passphrase?.reveal() ?? null }),
  };
}
