/**
 * The command lines that start an agent on a client.
 *
 * A command line is `/bin/sh -c '<script>' fh ARGS`. The scripts are constants (the `.sh` files of this folder,
 * shortened); all variable parts are arguments. No word holds `'`, `!`, `\` or a line break, so every login shell
 * passes the words on unchanged: POSIX shells, zsh, fish, csh.
 */
import { FleetError } from '../../platform/errors/errors.ts';
import {
  lookProgram,
  lookScript,
  runScript,
  uploadAgentProgram,
  uploadAgentScript,
  uploadShellScript,
} from '../../report/client-scripts.ts';
import { maxExecBytes } from '../../report/wire.ts';

/** The exit statuses of a loader that ran no agent. They count only together with the loader's sign. */
export const loaderStatus = {
  /** The program for Linux is missing and has to be uploaded. */
  agentAbsent: 81,
  /**
   * The program over systeminformation is missing. It makes the inventory, and every visit on systems other than Linux.
   */
  inventoryAbsent: 82,
  noRuntime: 83,
  /** No node is usable, and the shell agent, which may replace node, is missing. */
  shellAbsent: 89,
  /** This node is too old: the loader tries the next one. The status passes between agent and loader. */
  nodeTooOld: 86,
  /** The received bytes differ from the sent ones. */
  uploadDamaged: 88,
} as const;

/** The exit status of a shell after SIGKILL, its own or its child's. */
export const killedStatus = 137;

/** The oldest node for the agent, which needs X25519 as JWK and statfs. */
export const oldestNode = '18.15';

/** The first line of the loader on stdout: proof that /bin/sh ran the script. */
export interface LoaderSign {
  /** The exit status that means a missing program; null for an upload. */
  readonly absentStatus: number | null;
}

/** Returns the sign in the greeting before the agent's first frame, or null if there is none. */
export function findLoaderSign(greeting: Buffer, marker: string): LoaderSign | null {
  // The shell joins the parts of the sign, so a device that echoes the command line does not print it.
  const start = `fh-${marker}-loader-`;
  // The last sign counts: a loader that finds no node continues with the shell agent and writes another sign.
  const at = greeting.lastIndexOf(start);
  if (at === -1) return null;
  const status = Number(greeting.toString('latin1', at + start.length, at + start.length + 2));
  return { absentStatus: absentStatuses.has(status) ? status : null };
}

const absentStatuses: ReadonlySet<number> = new Set([
  loaderStatus.agentAbsent,
  loaderStatus.inventoryAbsent,
  loaderStatus.shellAbsent,
]);

export interface StartOptions {
  /** The client's name, for messages. */
  readonly client: string;
  /** The marker, 16 bytes, base64url; the same as in the request. */
  readonly marker: string;
  /** The time from the agent's start until it is killed. */
  readonly killAfterSeconds: number;
  /** Absolute path of node on the client; null: the loader looks for node. */
  readonly node: string | null;
  /** The encoded request: see agent-request.ts. */
  readonly request: string;
}

export interface RunOptions extends StartOptions {
  readonly kind: 'visit' | 'inventory' | 'state';
  /** SHA-256 in hexadecimal digits. */
  readonly agentDigest: string;
  readonly inventoryDigest: string;
  readonly collectorId: string;
  /** The shell agent that may replace a missing node; null if none may. */
  readonly shell: ShellStart | null;
}

/** The words that start the shell agent, which can neither decode base64 nor hash before its first frame. */
export interface ShellStart {
  /** SHA-256 of the agent, in hexadecimal digits. */
  readonly digest: string;
  /** The marker's bytes as octal numbers, with dots in between. */
  readonly marker: string;
  /** The client's folder below the machine's and the collector's: as agent/spool/visit.ts names it. */
  readonly folder: string;
}

/**
 * Returns the command line of a visit. The launcher of a restricted key (launcher.cjs) may be of an earlier version. It
 * uses two words of the line: the kind, in quotes that no other command line has, and the request at its end. A shell
 * agent under such a key (agent/capture/pinned.sh) also uses the marker after `fh`, and the fifth and sixth word after
 * the kind. Throws FleetError `config-invalid` if the line becomes too long or an argument cannot be passed.
 */
export function runCommand(options: RunOptions): string {
  const { kind, agentDigest, inventoryDigest, collectorId, request, shell } = options;
  const ofShell = shell === null ? ['-', '-', '-'] : [shell.digest, shell.marker, shell.folder];
  return startCommand(options, runScript, [kind, agentDigest, inventoryDigest, collectorId, ...ofShell, request]);
}

export interface UploadOptions extends StartOptions {
  /** The size of the compressed program at the start of stdin. */
  readonly lengthBytes: number;
  /** The digest of the program itself. */
  readonly digest: string;
  /** The digest of the other program, which is not replaced. */
  readonly otherDigest: string;
}

/** Returns the command line of a visit whose stdin begins with the program for node. Throws as runCommand does. */
export function uploadCommand(options: UploadOptions): string {
  const { lengthBytes, digest, otherDigest, request } = options;
  return startCommand(options, uploadAgentScript, [
    ...[String(lengthBytes), digest, otherDigest, uploadAgentProgram, request],
  ]);
}

/** Returns the command line of a visit whose stdin is the shell agent, to its end. Throws as runCommand does. */
export function uploadShellCommand(
  options: StartOptions & { readonly lengthBytes: number; readonly collectorId: string; readonly shell: ShellStart },
): string {
  const { lengthBytes, collectorId, shell, request } = options;
  const { digest, marker, folder } = shell;
  return startCommand(options, uploadShellScript, [String(lengthBytes), digest, collectorId, marker, folder, request]);
}

export interface LookCommandOptions extends Pick<StartOptions, 'client' | 'marker' | 'node'> {
  /** The time limit of each connection. */
  readonly seconds: number;
  /** The IP addresses and ports to try. */
  readonly pairs: readonly { readonly address: string; readonly port: number }[];
}

/** The program for bash, whose arguments are an address and a port. */
const lookBash =
  'exec 3<>/dev/tcp/$1/$2||exit;echo open;while read -r l<&3;do case $l in SSH-*)echo reached;exit;;esac;done';

/** Returns the command line of a look at machines beside a client. Throws as runCommand does. */
export function lookCommand({ client, marker, node, seconds, pairs }: LookCommandOptions): string {
  const places = pairs.flatMap(({ address, port }) => [address, String(port)]);
  return startCommand({ client, marker, killAfterSeconds: seconds, node }, lookScript, [
    ...[lookProgram, lookBash, ...places],
  ]);
}

/**
 * Returns the command line of a script that begins with begin.sh. Throws FleetError `config-invalid` as runCommand
 * does.
 */
function startCommand(
  { client, marker, killAfterSeconds, node }: Omit<StartOptions, 'request'>,
  script: string,
  own: readonly string[],
): string {
  const invalid = (words: string): FleetError =>
    new FleetError({ code: 'config-invalid', stage: 'config', client, message: `${client}: ${words}` });
  const args = [marker, String(killAfterSeconds), node ?? '-', ...own];
  const wrong = args.find((arg) => !isPassable(arg));
  if (wrong !== undefined) throw invalid(`this cannot be passed to a shell: ${JSON.stringify(wrong)}`);
  const command = shellCommand(script, args);
  if (command.length <= maxExecBytes) return command;
  throw invalid(
    `what its rules and checks ask of the agent takes ${command.length - maxExecBytes} bytes more than ` +
      'a command line may have; name fewer units, processes, mounts and checks',
  );
}

/**
 * True if every login shell leaves the text unchanged in single quotes: printable ASCII except quote, backslash and
 * exclamation mark.
 */
export function isPassable(text: string): boolean {
  return /^[ "#-&(-[\]-~]*$/.test(text);
}

/** Returns the command line of a script. Throws RangeError for a word that a login shell might change. */
export function shellCommand(script: string, args: readonly string[]): string {
  const words = [script, ...args].map((word) => {
    if (!isPassable(word)) throw new RangeError(`a word that no shell takes as it is: ${JSON.stringify(word)}`);
    return `'${word}'`;
  });
  return `/bin/sh -c ${words[0] ?? ''} fh ${words.slice(1).join(' ')}`;
}
