import { readBundles } from '../../collector/agent/agent-bundles.ts';
import type { Client, Config } from '../../config/config.ts';
import { messageOf, usageError } from '../../errors.ts';
import { launcherCommand, shellLauncherCommand } from '../../loader/launcher.ts';
import type { Context } from '../command/context.ts';
import { readStored } from '../command/read-stored.ts';
import type { AgentKind } from './agent-kind.ts';
import type { Authorized } from './authorized.ts';

/**
 * Which agent a client's restricted key is to run: the one that is asked for, else the one that read it last, else node's.
 * Throws FleetError `usage` for the shell agent where config.xml forbids it.
 */
export async function chooseAgent(
  { output, signal }: Context,
  { storage }: Config,
  client: Client,
  asked: AgentKind | null,
): Promise<AgentKind> {
  const { name, ssh } = client;
  if (asked === 'shell' && ssh.unsealed === 'refuse') {
    throw usageError(
      `${name}: the shell agent does not seal what it reports, and unsealed="refuse" forbids that`,
      'Take --agent node, or set unsealed="allow" for this client.',
    );
  }
  if (asked !== null) return asked;
  if (ssh.unsealed === 'refuse' || ssh.node !== null) return 'node';
  try {
    const known = await readStored(storage, signal, ({ history }) => history.clients());
    return known.find((one) => one.client === name)?.reader === 'shell' ? 'shell' : 'node';
  } catch (thrown) {
    signal.throwIfAborted();
    output.complain(
      `how ${name} was read last cannot be looked up, so its key is made for Node.js (--agent says which): ${messageOf(thrown)}`,
    );
    return 'node';
  }
}

/** The key of a bastion that is no client: a channel that is forwarded runs no command, and nothing else is let in. */
export const forwardsAlone: Authorized = { agent: null, command: 'exit 1', programs: [] };

export interface AuthorizedOptions {
  readonly client: Client;
  readonly agent: AgentKind;
  readonly collectorId: string;
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** What this version has a restricted key run. Throws FleetError `config-invalid` for a path of node that cannot be passed. */
export function authorizedAgent({ client, agent: kind, collectorId, publicKey }: AuthorizedOptions): Authorized {
  const { agent, inventory, shell } = readBundles();
  if (kind === 'shell') {
    const command = shellLauncherCommand({ client: client.name, agentDigest: shell.digest, collectorId });
    return { agent: kind, command, programs: [shell] };
  }
  const command = launcherCommand({
    client: client.name,
    agentDigest: agent.digest,
    inventoryDigest: inventory.digest,
    collectorId,
    publicKey,
    node: client.ssh.node,
  });
  return { agent: kind, command, programs: [agent, inventory] };
}
