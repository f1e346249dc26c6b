import { existsSync, readFileSync, statSync } from 'node:fs';

import { type KeyRing, loadKeyRing, loadSealingRing } from '../../collector/keys/key-ring.ts';
import type { Client, Config } from '../../config/config.ts';
import { errnoOf, fileFault, FleetError, usageError } from '../../platform/errors/errors.ts';
import { authorizedKeysOptions, launcherFolders } from '../../transport/loader/launcher.ts';
import { loadAgentOwner } from '../../state-folder/collector-id.ts';
import { statePaths } from '../../state-folder/paths.ts';
import { claimStateFolder } from '../../state-folder/state-folder.ts';
import { shownShellWord } from '../../text/shell-word.ts';
import { decodeLoginKey, loadPrivateKey } from '../../transport/credentials/private-key.ts';
import type { Hop } from '../../transport/route/hop.ts';
import { createTransportShared } from '../../transport/transport-shared.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { chooseClient, loadSettings } from '../command/settings.ts';
import type { authorizeParameters } from './parameters.ts';
import { sshCommand } from './ssh-target.ts';
import { type Authorized, authorizedAgent, chooseAgent, forwardsAlone } from './authorize-agent.ts';
import { authorizeScript } from './authorize-script.ts';
import { clientAt, forwardsThrough, fromAddresses } from './key-options.ts';
import { usesSsh } from '../../config/clients/arrival.ts';

type AuthorizeOptions = OptionsOf<typeof authorizeParameters>;

/** Runs `authorize`: prints the line or script by which a key runs only the agent of this version on a client. */
export async function authorizeCommand(context: Context, options: AuthorizeOptions): Promise<ExitStatus> {
  const { output } = context;
  const config = loadSettings(context);
  const from = fromAddresses(options.from);
  const { name, client, hops, hop, forwards } = targetOf(config, options.client);
  const account = accountOf(hop);
  // Throws for a missing key before anything is made in the state folder.
  const key = findPublicKey(hop, options.key);
  const { collectorId, sealing } = identity(config);
  const authorized =
    client === null
      ? forwardsAlone
      : authorizedAgent({
          client,
          agent: await chooseAgent(context, config, client, options.agent),
          collectorId,
          publicKey: sealing.publicKey,
          state: options.state,
        });
  const { agent: runs, command } = authorized;
  const keyOptions = authorizedKeysOptions({ command, forwards, from });
  const publicKey = `${key} fleet-health:${collectorId}`;
  const line = `${keyOptions} ${publicKey}`;
  const script = (): string => authorizeScript({ account, options: keyOptions, publicKey, authorized });
  if (output.json) {
    const [agent, inventory] = authorized.programs.map(({ digest }) => digest);
    output.printJson({
      command: 'authorize',
      client: name,
      account,
      line,
      runs,
      agent: agent ?? null,
      inventory: inventory ?? null,
      folders: runs === null ? [] : [launcherFolders.root, `~/${launcherFolders.home}`],
      collector: collectorId,
      sealing_key: runs === 'node' ? sealing.id : null,
      forwards,
      ...(options.script ? { script: script() } : {}),
    });
  } else if (options.script) output.print(script().trimEnd());
  else {
    const more = sameOptions(options, from, runs);
    const ssh = sshCommand(hops, client ?? { address: hop.address, addressExplicit: true }, 'root');
    output.print(
      [
        ...(client === null
          ? aboutForwards(account)
          : aboutAgent(client, account, authorized, { collectorId, sealing })),
        '# This puts it in place, as root or as the account itself, ' +
          'and keeps from= and other options that the line has:',
        `#   fleet-health authorize ${[shownShellWord(name), ...more].join(' ')} --script | ${ssh} sh`,
        line,
      ].join('\n'),
    );
  }
  return 0;
}

/** Returns the words that repeat the options of this command for the same agent. */
function sameOptions(
  { agent, state }: AuthorizeOptions,
  from: readonly string[],
  runs: string | null,
): readonly string[] {
  return [
    ...(agent === null || runs === null ? [] : ['--agent', runs]),
    ...(state ? ['--state'] : []),
    ...(from.length === 0 ? [] : ['--from', shownShellWord(from.join(','))]),
  ];
}

interface Target {
  readonly name: string;
  /** null: a bastion that is no client. */
  readonly client: Client | null;
  readonly hops: readonly Hop[];
  readonly hop: Hop;
  readonly forwards: readonly string[];
}

/** Finds the client or bastion of a name. A bastion that is a client too needs the client's agent. */
function targetOf(config: Config, name: string): Target {
  const shared = createTransportShared({ config });
  const bastion = config.clients.some((client) => client.name === name)
    ? undefined
    : config.bastions.find((one) => one.name === name);
  const client =
    bastion === undefined
      ? chooseClient(config, name)
      : (clientAt(shared.routeTo(bastion).hops, config, shared) ?? null);
  const target = client ?? bastion;
  if (target === undefined) throw usageError(`there is no client or bastion ${name}`);
  if (!usesSsh(target)) throw usageError(`${target.name} is read without SSH, so no key logs in to it`);
  const { hops } = shared.routeTo(target);
  const hop = hops.at(-1);
  if (hop === undefined) throw usageError(`there is no way to ${target.name}`);
  return { name: target.name, client, hops, hop, forwards: forwardsThrough(hops, config, shared) };
}

function aboutForwards(account: string): readonly string[] {
  return [
    `# For authorized_keys of the account ${account}, in place of any other line with the same key. ` +
      'The key then runs nothing;',
    '# it forwards to the machines of config.xml that are behind this one.',
  ];
}

function aboutAgent(
  { ssh }: Client,
  account: string,
  { agent: kind, programs }: Authorized,
  { collectorId, sealing }: ReturnType<typeof identity>,
): readonly string[] {
  const seal = kind === 'shell' ? 'sealed by nobody but SSH on its way' : `sealed to key ${sealing.id}`;
  const other =
    kind === 'shell'
      ? 'It is the shell agent, for a client without Node.js (--agent node makes the other line).'
      : 'It needs Node.js on the ' +
        `client${ssh.unsealed === 'refuse' ? '' : ' (--agent shell makes a line that does not)'}.`;
  return [
    `# For authorized_keys of the account ${account}, in place of any other line with the same key. The key then runs`,
    `# nothing but agent ${programs[0]?.digest.slice(0, 12) ?? ''}, for collector ${collectorId},`,
    `# ${seal}. The agent must lie in ${launcherFolders.root} or in ~/${launcherFolders.home}.`,
    `# ${other}`,
  ];
}

/** Account names that useradd(8) allows, in which a shell expands nothing. */
const accountPattern = /^[A-Za-z_][\w.-]{0,63}\$?$/;

function accountOf({ name, username }: Hop): string {
  if (accountPattern.test(username)) return username;
  throw usageError(`${name}: ${JSON.stringify(username)} is no name of an account that can be written into a script`);
}

function identity({ stateDir, collector }: Config): {
  readonly collectorId: string;
  readonly sealing: KeyRing['sealing'];
} {
  const paths = statePaths(stateDir);
  claimStateFolder(paths, ['keys', 'publicKeys']);
  const { sealing } = (collector.open ? loadKeyRing : loadSealingRing)(paths, Date.now());
  return { collectorId: loadAgentOwner(paths.collectorId, collector), sealing };
}

const maxFileBytes = 64 * 1024;

/**
 * Returns the public key, such as `ssh-ed25519 AAAA...`, that the collector logs in to a client with: the key of the
 * given file, else of the only private key. Looks for a `.pub` file beside the private key first, which needs no
 * passphrase. Throws FleetError `usage` or `credentials-unusable`.
 */
function findPublicKey({ name, credentials }: Hop, file: string | null): string {
  if (file !== null) return readPublicKey(file);
  const there = credentials.privateKeys.filter(({ path, optional }) => !optional || existsSync(path));
  const [key, ...others] = there.map(({ path }) => path);
  if (key === undefined || others.length > 0) {
    const which = key === undefined ? 'no private key' : `several private keys (${[key, ...others].join(', ')})`;
    throw usageError(`${name} has ${which}, so name the key that is meant`, 'Name the public key with --key FILE.pub.');
  }
  const beside = `${key}.pub`;
  if (existsSync(beside)) return readPublicKey(beside);
  return describe(loadPrivateKey(key, credentials.passphrase?.reveal() ?? null).publicBlob);
}

function readPublicKey(file: string): string {
  try {
    if (statSync(file).size > maxFileBytes) throw new Error('it is too large for a key');
    return describe(decodeLoginKey(readFileSync(file, 'utf8'), null).publicBlob);
  } catch (thrown) {
    throw new FleetError({
      code: 'credentials-unusable',
      stage: 'login',
      message: `${file}${errnoOf(thrown) === null ? '' : ' cannot be read'}: ${fileFault(thrown)}`,
      advice: 'Name a file as ssh-keygen writes it, `ssh-ed25519 AAAA...`.',
      cause: thrown,
    });
  }
}

/** Formats a public key. RFC 4253, section 6.6: the key begins with the name of its type, as a string. */
function describe(blob: Buffer): string {
  const type = blob.toString('latin1', 4, 4 + blob.readUInt32BE(0));
  return `${type} ${blob.toString('base64')}`;
}
