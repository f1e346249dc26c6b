/** src/transport/loader: scripts that get the agent running on a client, shortened by the build; no socket. */

/**
 * The launcher of a restricted key: the text of `command="..."` in a line of authorized_keys (sshd(8), AUTHORIZED_KEYS
 * FILE FORMAT). It limits the holder of the key to the agent of one digest, for one collector and sealed to one key.
 *
 * No shell sees more of the requested command ($SSH_ORIGINAL_COMMAND) than one word. launcher.cjs parses the command:
 * it must be the loader's command line of a visit, and only the request at its end is used. The agent is read, compared
 * with its digest and run from the same bytes. The scripts hold no double quotes, because dropbear's authorized_keys
 * has no escaped ones.
 */
import { FleetError } from '../../platform/errors/errors.ts';
import { launcherProgram, launcherScript, shellLauncherScript } from '../../report/client-scripts.ts';
import { otherVersionStatus, restrictedKeySign } from '../../report/wire.ts';
import { isPassable, loaderStatus, shellCommand } from './loader.ts';

/** The exit statuses of a launcher that ran no agent. stderr has the reason, after the sign. */
export const launcherStatus = {
  /** The request is not a visit. */
  refused: 84,
  /** There is no file with the digest. */
  agentAbsent: 85,
  noRuntime: loaderStatus.noRuntime,
  otherVersion: otherVersionStatus,
} as const;

/** The folders of the agent of a restricted key, as installed by root, or by the account in its home. */
export const launcherFolders = { root: '/usr/local/lib/fleet-health', home: '.local/lib/fleet-health' } as const;

/** The line that a launcher writes to stderr if it runs no agent. */
export const launcherLine = new RegExp(`^${restrictedKeySign} ([0-9a-f]{64}): (.*)$`, 'm');

export interface LauncherWords {
  /** The digest of the agent that the key is made for. */
  readonly digest: string;
  readonly reason: string;
}

/** Returns the reason of a launcher on stderr, or null if there is none. */
export function findLauncherWords(complained: string): LauncherWords | null {
  const [, digest, reason] = launcherLine.exec(complained) ?? [];
  return digest === undefined || reason === undefined ? null : { digest, reason };
}

/** The reason of a launcher of the shell agent that found no awk. */
export const noAwk = 'no awk was found';

export interface LauncherOptions {
  /** The client's name, for messages. */
  readonly client: string;
  /** SHA-256 in hexadecimal digits. */
  readonly agentDigest: string;
  readonly inventoryDigest: string;
  readonly collectorId: string;
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Absolute path of node on the client; null: the launcher looks for node at each visit. */
  readonly node: string | null;
}

/**
 * Returns the command of a restricted key. Throws FleetError `config-invalid` for a path of node that cannot be passed.
 */
export function launcherCommand(options: LauncherOptions): string {
  const { agentDigest, inventoryDigest, collectorId, node } = options;
  const key = Buffer.from(options.publicKey).toString('base64url');
  return restrictedCommand(options.client, launcherScript, [
    agentDigest,
    inventoryDigest,
    collectorId,
    key,
    node ?? '-',
    launcherProgram,
  ]);
}

/** Returns the command of a restricted key that runs the shell agent of one digest, for a client that has no node. */
export function shellLauncherCommand({
  client,
  agentDigest,
  collectorId,
  state = false,
}: Pick<LauncherOptions, 'client' | 'agentDigest' | 'collectorId'> & {
  /** True if the state may be read, which a holder of the key would see in clear. Default: false. */
  readonly state?: boolean;
}): string {
  return restrictedCommand(client, shellLauncherScript, [agentDigest, collectorId, ...(state ? ['s'] : [])]);
}

/** Returns the command of a launcher. Throws FleetError `config-invalid` for an argument that a shell might change. */
function restrictedCommand(client: string, script: string, args: readonly string[]): string {
  for (const arg of args) {
    if (isPassable(arg) && !arg.includes('"')) continue;
    const message = `${client}: this cannot be passed to a shell: ${JSON.stringify(arg)}`;
    throw new FleetError({ code: 'config-invalid', stage: 'config', client, message });
  }
  return shellCommand(script, args);
}

export interface KeyOptions {
  /** The command of a launcher. */
  readonly command: string;
  /** The forwarding targets, each as `HOST:PORT`; nothing else is forwarded. */
  readonly forwards: readonly string[];
  /** The addresses from which the key is accepted; empty for all addresses. */
  readonly from: readonly string[];
}

/** Returns the options of authorized_keys for a restricted key. */
export function authorizedKeysOptions({ command, forwards, from }: KeyOptions): string {
  return [
    `restrict,command="${command}"`,
    ...(forwards.length > 0 ? ['port-forwarding'] : []),
    ...forwards.map((target) => `permitopen="${target}"`),
    ...(from.length > 0 ? [`from="${from.join(',')}"`] : []),
  ].join(',');
}
