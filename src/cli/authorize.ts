import type { Config } from '../config/config.ts';
import { loadCollectorId } from '../collector/collector-id.ts';
import { loadKeyRing, loadSealingRing } from '../collector/key-ring.ts';
import type { KeyRing } from '../collector/key-ring.ts';
import { FleetError } from '../errors.ts';
import { statePaths } from '../paths.ts';
import { claimStateFolder } from '../state-folder.ts';
import type { Hop } from '../transport/hop.ts';
import { authorizedKeysLine, launcherFolders } from '../transport/launcher.ts';
import { createTransportShared } from '../transport/transport-shared.ts';
import { authorizedAgent, chooseAgent } from './authorize-agent.ts';
import type { AgentKind } from './authorize-command.ts';
import { authorizeScript } from './authorize-script.ts';
import { findPublicKey } from './authorize-key.ts';
import type { Context, ExitStatus } from './context.ts';
import { chooseClients, loadSettings } from './settings.ts';
import { shellWord, sshTarget } from './ssh-target.ts';

export interface AuthorizeOptions {
  readonly client: string;
  /** A file with the public key; null: the key of the configuration. */
  readonly key: string | null;
  /** null: the one that read the client last. */
  readonly agent: AgentKind | null;
  /** A script that installs, instead of the line alone. */
  readonly script: boolean;
}

/** `authorize`: what makes a key of the collector run nothing but the agent of this version on a client. */
export async function authorizeCommand(context: Context, options: AuthorizeOptions): Promise<ExitStatus> {
  const { output } = context;
  const config = loadSettings(context);
  const [client] = chooseClients(config, { clients: [options.client], group: null });
  if (client === undefined) throw usage(`there is no client ${options.client}`);
  if (client.ssh.transport === 'local') throw usage(`${client.name} is read without SSH, so no key logs in to it`);
  const hop = createTransportShared({ config }).routeTo(client).hops.at(-1);
  if (hop === undefined) throw usage(`there is no way to ${client.name}`);
  const account = accountOf(hop);
  const publicKey = findPublicKey(hop, options.key);
  const { collectorId, sealing } = identity(config);
  const kind = await chooseAgent(context, config, client, options.agent);
  const authorized = authorizedAgent({ client, agent: kind, collectorId, publicKey: sealing.publicKey });
  const [agent, inventory] = authorized.programs.map(({ digest }) => digest);
  if (agent === undefined) throw new Error('a restricted key without an agent');
  const line = authorizedKeysLine(
    authorized.command,
    `${publicKey.type} ${publicKey.base64} fleet-health:${collectorId}`,
  );
  const script = (): string => authorizeScript({ account, line, keyBase64: publicKey.base64, authorized });
  if (output.json) {
    output.printJson({
      command: 'authorize',
      client: client.name,
      account,
      line,
      runs: kind,
      agent,
      inventory: inventory ?? null,
      folders: [launcherFolders.root, `~/${launcherFolders.home}`],
      collector: collectorId,
      sealing_key: kind === 'shell' ? null : sealing.id,
      ...(options.script ? { script: script() } : {}),
    });
  } else if (options.script) output.print(script().trimEnd());
  else {
    const seal = kind === 'shell' ? 'sealed by nobody but SSH on its way' : `sealed to key ${sealing.id}`;
    const other =
      kind === 'shell'
        ? 'It is the shell agent, for a client without Node.js (--agent node makes the other line).'
        : `It needs Node.js on the client${client.ssh.unsealed === 'refuse' ? '' : ' (--agent shell makes a line that does not)'}.`;
    const brought =
      kind === 'node' && client.ssh.runtime === 'bring' && client.ssh.node === null
        ? [
            `# A Node.js that was brought is found below ~/.local/state/fleet-health; one elsewhere must be named: node="PATH".`,
          ]
        : [];
    output.print(
      [
        `# For authorized_keys of the account ${account}, in place of any other line with the same key. The key then runs`,
        `# nothing but agent ${agent.slice(0, 12)}, for collector ${collectorId},`,
        `# ${seal}. The agent must lie in ${launcherFolders.root} or in ~/${launcherFolders.home}.`,
        `# ${other}`,
        ...brought,
        '# This puts both in place, as root or as the account itself:',
        `#   fleet-health authorize ${shellWord(client.name)}${options.agent === null ? '' : ` --agent ${kind}`} --script | ssh ${sshTarget({ ...client, port: hop.port }, 'root')} sh`,
        line,
      ].join('\n'),
    );
  }
  return 0;
}

/** As useradd(8) allows them, so that a shell finds nothing to expand. */
const accountPattern = /^[A-Za-z_][\w.-]{0,63}\$?$/;

function accountOf({ name, username }: Hop): string {
  if (accountPattern.test(username)) return username;
  throw usage(`${name}: ${JSON.stringify(username)} is no name of an account that can be written into a script`);
}

function identity({ stateDir, collector }: Config): {
  readonly collectorId: string;
  readonly sealing: KeyRing['sealing'];
} {
  const paths = statePaths(stateDir);
  claimStateFolder(paths, ['keys', 'publicKeys']);
  const { sealing } = collector.open ? loadKeyRing(paths, Date.now()) : loadSealingRing(paths);
  return { collectorId: loadCollectorId(paths.collectorId), sealing };
}

function usage(message: string): FleetError {
  return new FleetError({ code: 'usage', stage: 'usage', message });
}
