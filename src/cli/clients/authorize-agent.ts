/** src/cli/clients: `authorize`, `spool`, `cleanup`. */
import { readBundles } from '../../collector/agent/agent-bundles.ts';
import type { Bundle } from '../../collector/agent/task.ts';
import type { Client, Config } from '../../config/config.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { launcherCommand, shellLauncherCommand } from '../../transport/loader/launcher.ts';
import type { Context } from '../command/context.ts';
import { lastReader } from './last-reader.ts';

/** `node`: the client's own Node.js; `shell`: sh and awk, for a client without Node.js. */
type AgentKind = 'node' | 'shell';

/** The command of a restricted key, and the programs that it needs. */
export interface Authorized {
  /** null: no agent, the key only forwards. */
  readonly agent: AgentKind | null;
  /** The value of `command="..."`. */
  readonly command: string;
  /** The programs that have to be on the client, the agent first. */
  readonly programs: readonly Pick<Bundle, 'content' | 'digest'>[];
}

/**
 * Returns the agent that a client's restricted key is to run: the requested one, else the agent that read the client
 * last, else Node's. Throws FleetError `usage` for the shell agent if config.xml forbids it.
 */
export async function chooseAgent(
  context: Context,
  { storage }: Config,
  { name, ssh }: Client,
  asked: AgentKind | null,
): Promise<AgentKind> {
  if (asked === 'shell' && ssh.unsealed === 'refuse') {
    throw usageError(
      `${name}: the shell agent does not seal what it reports, and unsealed="refuse" forbids that`,
      'Take --agent node, or set unsealed="allow" for this client.',
    );
  }
  if (asked !== null) return asked;
  if (ssh.unsealed === 'refuse' || ssh.node !== null) return 'node';
  const doubt = 'so its key is made for Node.js (--agent says which)';
  const reader = await lastReader(context, storage, name, doubt);
  return reader === 'shell' || reader === 'runtime' ? 'shell' : 'node';
}

/** The key of a bastion that is no client: forwarded channels run no command, and any other session fails. */
export const forwardsAlone: Authorized = { agent: null, command: 'exit 1', programs: [] };

interface AuthorizedOptions {
  readonly client: Client;
  readonly agent: AgentKind;
  readonly collectorId: string;
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** True if the shell agent may read the state. */
  readonly state: boolean;
}

/**
 * Returns the command and the programs of a restricted key for this version. Throws FleetError `config-invalid` for a
 * path of node that cannot be passed.
 */
export function authorizedAgent({ client, agent: kind, collectorId, publicKey, state }: AuthorizedOptions): Authorized {
  const { agent, inventory, shell } = readBundles();
  if (kind === 'shell') {
    const command = shellLauncherCommand({ client: client.name, agentDigest: shell.digest, collectorId, state });
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
