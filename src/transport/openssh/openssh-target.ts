import type { Client } from '../../config/config.ts';
import type { OpensshTarget } from './openssh-arguments.ts';
import { isHostName, namesOf } from './openssh-hop-config.ts';
import { hostName } from '../known-hosts/known-hosts.ts';
import type { Hop } from '../route/hop.ts';
import type { Route } from '../route/route.ts';

/**
 * Returns the ssh target of a client by config.xml, and leaves other settings to ssh_config. `resolved` is the client's
 * route. null if it cannot be resolved without ssh. `isKnown` says if the known_hosts files have a key under a name.
 */
export function opensshTarget(
  client: Client,
  resolved: Route | null,
  isKnown: (hop: Hop, name: string) => boolean,
): OpensshTarget {
  const { name, address, addressExplicit, port, ssh } = client;
  const isExplicit = (attribute: string): boolean => ssh.explicit[attribute] !== undefined;
  const isJumping = resolved !== null && resolved.hops.length > 1;
  // ssh itself applies a ProxyJump of ssh_config.
  const route = ssh.proxyJump === null ? null : resolved;
  const own = route?.hops.at(-1) ?? null;
  // Behind another machine, the host key is known by the client's name, and that machine dials the client's address.
  const ownAlias = addressExplicit && isJumping ? aliasOf(resolved, isKnown) : null;
  const known = own === null ? { called: addressExplicit ? address : null, alias: ownAlias } : namesOf(own);
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
    jumps: route === null && isJumping ? resolved.hops.slice(0, -1) : [],
    secrets: () => ({ password: ssh.password?.reveal() ?? null, passphrase: ssh.passphrase?.reveal() ?? null }),
  };
}

/** Returns the name of the last machine in known_hosts. Returns null if a key is known under its address alone. */
function aliasOf({ hops }: Route, isKnown: (hop: Hop, name: string) => boolean): string | null {
  const own = hops.at(-1);
  if (own === undefined) return null;
  return !isKnown(own, own.knownAs) && isKnown(own, hostName(own.address, own.port)) ? null : own.knownAs;
}
