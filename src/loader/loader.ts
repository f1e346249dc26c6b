/**
 * The shell text that starts the agent on a client, and the command lines made of it.
 *
 * A command line is `/bin/sh -c '<text>' fh ARGS`: the texts are constants, everything that differs is an argument. They
 * hold no `'`, `!`, `\` or line break, so that every login shell hands them on unchanged: POSIX shells, zsh, fish, csh.
 * On the hot path they start nothing but `timeout` and node.
 */
import { FleetError } from '../errors.ts';
import { cannotRun, findMachine, nodeTooOldStatus, tryEveryNode } from '../report/loader-text.ts';
import { maxExecBytes } from '../report/wire.ts';
import { orBrought } from './find-brought.ts';

/** How the loader ends when the agent did not run. Believed only together with its sign. */
export const loaderStatus = {
  /** The program for Linux is not there, and is to be brought. */
  agentAbsent: 81,
  /** The same for the program over systeminformation: the inventory, and every visit where there is no Linux. */
  inventoryAbsent: 82,
  noRuntime: 83,
  /** No node will do, and the shell agent, which may take its place, is not there. */
  shellAbsent: 89,
  nodeTooOld: nodeTooOldStatus,
  /** What was brought did not come as it was sent. */
  broughtDamaged: 88,
} as const;

/** What a shell that was killed by SIGKILL, or whose child was, ends with. */
export const killedStatus = 137;

/** What every node from 18.15 on has: X25519 as JWK, hkdf, statfs. */
export const oldestNode = '18.15';

/** What the loader tells on stdout before anything else: proof that /bin/sh ran the text. */
export interface LoaderSign {
  /** How the loader would end if the program were missing; null when it was brought. */
  readonly absentStatus: number | null;
}

/** Looks for the sign in what came before the agent's first frame; null when there is none. */
export function findLoaderSign(greeting: Buffer, marker: string): LoaderSign | null {
  // The shell puts it together, so that a device that only echoes the command line does not give it.
  const start = `fh-${marker}-loader-`;
  // The last one counts: a loader that found no node goes on to the shell agent, and says so.
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

// Arguments of both texts: $1 marker, $2 seconds until the agent is killed, $3 node's path or `-`, then their own.
export const prelude = [
  'umask 077',
  'unset NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_PATH NODE_V8_COVERAGE',
  't=$2 n=$3 h=$HOME m=',
];

export const endWithoutNode = `exit ${loaderStatus.noRuntime}`;

/** Asks a node before anything is brought for it: one that is too old would refuse it at every visit anew. */
const refuseOldNode =
  '"$1" -e "v=process.versions.node.split(/[.]/);if(v[0]<18||v[0]==18&&v[1]<15)' +
  `{console.error(/node is too old: /.source+process.execPath);process.exit(${loaderStatus.nodeTooOld})}"`;

/** Where no node will do, and $8 names a shell agent: that one (agent/shell), found in the same places. */
const orShell = [
  `[ $a = ${loaderStatus.agentAbsent} ]||${endWithoutNode}`,
  `case $8 in -)${endWithoutNode};;esac`,
  `a=${loaderStatus.shellAbsent} g=$8 x=sh b=`,
  'echo "fh-$1-loader-$a"',
  `command -v awk >/dev/null 2>&1||{ echo "no awk for the shell agent" >&2;${endWithoutNode};}`,
  'seek',
  '[ "$b" ]||exit $a',
  'set -- /bin/sh "$b" $9 $t $k "$m" $c ${10} - "$r"',
  '[ $k = w ]||set -- timeout -s KILL $t "$@"',
  'exec "$@"',
];

// $4 kind, $5 digest of the program for Linux, $6 of the other one, $7 collector; $8 digest of the shell agent or `-`, $9
// its marker, ${10} its folder; for runtime="bring" the names of runtimes; request.
const runTextWith = (request: string, orElse: readonly string[]): string =>
  [
    ...prelude,
    `g=$5 a=${loaderStatus.agentAbsent} c=$7 r=${request} x=cjs u= b=`,
    `[ "$4" = visit ]&&[ -r /proc/sys/kernel/ostype ]||{ g=$6;a=${loaderStatus.inventoryAbsent};}`,
    'echo "fh-$1-loader-$a"',
    ...findMachine,
    'mine(){ [ -L "$1" ]&&return 1;[ $2 "$1" ]&&[ -O "$1" ];}',
    'look(){ [ "$b" ]&&return;for d in "$1" "$1/$m" "$1/$m/$c";do mine "$d" -d||return;done' +
      ';for k in t w;do b=$d/$g.$k.$x;mine "$b" -f&&return;done;b=;}',
    'seek(){ case $XDG_STATE_HOME in /*)look "$XDG_STATE_HOME/fleet-health";;esac' +
      ';case $h in /*)look "$h/.local/state/fleet-health";;esac' +
      ';[ "$b" ]||{ u=${u:-$(id -u)};look /var/tmp/fleet-health-$u;look /dev/shm/fleet-health-$u;}' +
      ';command -v timeout >/dev/null 2>&1||k=w;}',
    'seek',
    `start(){ if [ -z "$b" ];then ${refuseOldNode}` +
      `;s=$?;case $s in ${cannotRun});;*)exit $a;;esac` +
      ';elif [ $k = t ];then timeout -s KILL $t "$1" "$b" "$r" t "$m";s=$?' +
      ';else "$1" "$b" "$r" w "$m";s=$?;fi;}',
    ...tryEveryNode,
    ...orElse,
    ...orShell,
  ].join(';');
const runText = runTextWith('${11}', []);
const runOrBroughtText = runTextWith('${12}', ['v=${11}', ...orBrought]);

export interface StartOptions {
  /** For messages. */
  readonly client: string;
  /** 16 bytes, base64url; the same as in the request. */
  readonly marker: string;
  /** When the agent is killed, in whole seconds from its start. */
  readonly killAfterSeconds: number;
  /** Absolute path of node on the client; null: look for it. */
  readonly node: string | null;
  /** See agent-request.ts. */
  readonly request: string;
  /** For runtime="bring": by which to look for a node that was brought, the best first. Default: none is looked for. */
  readonly runtimes?: readonly string[] | null;
}

export interface RunOptions extends StartOptions {
  readonly kind: 'visit' | 'inventory';
  /** SHA-256 in hexadecimal digits. */
  readonly agentDigest: string;
  readonly inventoryDigest: string;
  readonly collectorId: string;
  /** The shell agent that may take the place of a missing node; null: none may. */
  readonly shell: ShellStart | null;
}

/** What starts the shell agent, which can neither decode base64 nor hash before it has written its first frame. */
export interface ShellStart {
  /** SHA-256 of the agent, in hexadecimal digits. */
  readonly digest: string;
  /** The marker's bytes as octal numbers, with dots in between. */
  readonly marker: string;
  /** The client's folder below the machine's and the collector's: as agent/spool/visit.ts names it. */
  readonly folder: string;
}

/**
 * The command line of a visit. The launcher of a restricted key (launcher.ts), which may be of an earlier version, takes two
 * things from it: the kind as a word in quotes of its own, which no other command line has, and the request as its last. A
 * shell agent under such a key (agent/shell/pinned.sh) also takes the marker after `fh`, and the fifth and sixth word after
 * the kind.
 * Throws FleetError `config-invalid` when it becomes too long or an argument cannot be passed. */
export function runCommand(options: RunOptions): string {
  const { kind, agentDigest, inventoryDigest, collectorId, request, shell } = options;
  const ofShell = shell === null ? ['-', '-', '-'] : [shell.digest, shell.marker, shell.folder];
  const own = [kind, agentDigest, inventoryDigest, collectorId, ...ofShell];
  const runtimes = options.runtimes ?? null;
  if (runtimes === null) return commandLine(options, runText, [...own, request]);
  return commandLine(options, runOrBroughtText, [...own, runtimes.join(' '), request]);
}

/** Passes through every login shell in single quotes: printable ASCII but quote, backslash and exclamation mark. */
export const passable = /^[ "#-&(-[\]-~]*$/;

/** Throws FleetError `config-invalid`, as runCommand says. */
export function commandLine(options: Omit<StartOptions, 'request'>, text: string, own: readonly string[]): string {
  const { client, marker, killAfterSeconds, node } = options;
  const args = [marker, String(killAfterSeconds), node ?? '-', ...own];
  for (const arg of args) {
    if (!passable.test(arg)) {
      const message = `${client}: this cannot be passed to a shell: ${JSON.stringify(arg)}`;
      throw new FleetError({ code: 'config-invalid', stage: 'config', client, message });
    }
  }
  const command = `/bin/sh -c '${text}' fh ${args.map((arg) => `'${arg}'`).join(' ')}`;
  if (command.length > maxExecBytes) {
    const message =
      `${client}: what its rules ask of the agent takes ${command.length - maxExecBytes} bytes more than ` +
      'a command line may have; name fewer units, processes and mounts';
    throw new FleetError({ code: 'config-invalid', stage: 'config', client, message });
  }
  return command;
}
