import { FleetError } from '../../errors.ts';
import { bastionFailed, ofClient } from '../bastions/bastion-failed.ts';
import type { OpensshSecrets, OpensshTarget } from './openssh-arguments.ts';
import type { OpensshQuestion } from './openssh-fault.ts';
import { hopRefusal } from './openssh-hop-config.ts';
import { askOpenssh } from './openssh-program.ts';
import type { ConnectOptions } from '../transport.ts';

/**
 * Checks that credentials are configured for the client and for every hop. Throws FleetError `credentials-unusable` or
 * `bastion-failed` if they are missing.
 */
export function checkCredentials(target: OpensshTarget, secrets: OpensshSecrets): void {
  const { client, way } = target;
  if (lacksAgent(target, secrets)) {
    const message = 'agent="env", but $SSH_AUTH_SOCK is not set';
    throw new FleetError({ client, code: 'credentials-unusable', stage: 'login', message });
  }
  if (way === null || way === 'direct') return;
  for (const hop of way.hops) {
    const refusal = hopRefusal(hop);
    if (refusal === null) continue;
    const fault = new FleetError({ code: 'credentials-unusable', stage: 'login', ...refusal });
    throw ofClient(bastionFailed(hop.name, fault), client);
  }
}

/** True if $SSH_AUTH_SOCK is the only configured credential and is not set. */
function lacksAgent({ agent, privateKey, config }: OpensshTarget, { password }: OpensshSecrets): boolean {
  if (agent !== 'env' || process.env['SSH_AUTH_SOCK']) return false;
  return (privateKey === null || privateKey === 'none') && password === null && config === 'none';
}

/** Returns the names for messages and the known_hosts files. Runs `ssh -G` if ssh_config applies. */
export async function questionOf(target: OpensshTarget, options: ConnectOptions): Promise<OpensshQuestion> {
  const { client, knownHosts } = target;
  const timeoutMs = Math.min(options.tcpTimeoutMs, options.connectTimeoutMs);
  if (target.config === 'none') {
    const address = target.hostKeyAlias ?? target.hostName ?? target.host;
    return { client, address, port: target.port ?? 22, username: target.username ?? '', knownHosts: [knownHosts] };
  }
  const facts = await askOpenssh(target, { timeoutMs, signal: options.signal });
  return { client, address: facts.hostName, ...facts, knownHosts: [knownHosts, ...facts.knownHosts] };
}
