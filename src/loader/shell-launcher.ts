/**
 * The launcher of a restricted key whose client has no node: as launcher.ts, but it runs the shell agent (agent/shell) of
 * one digest, for one collector. What was asked for is one word here, which no shell expands; the agent takes it apart
 * (agent/shell/pinned.sh). It is run from the same bytes that were compared with the digest, and where nothing can tell a
 * digest, only a file that the account could not have written. No double quotes, for dropbear.
 */
import { findMachine } from '../report/loader-text.ts';
import { restrictedKeySign } from '../report/wire.ts';
import { killAfterSeconds, launcherFolders, launcherPath, launcherStatus, restrictedCommand } from './launcher.ts';

/** What the launcher says when the shell agent has nothing to compute with. */
export const noAwk = 'no awk was found';

const folders = [launcherFolders.root, `$h/${launcherFolders.home}`] as const;
const { noRuntime, agentAbsent } = launcherStatus;

const start = (guard: 't' | 'w'): string =>
  `/bin/sh -c $b fh pinned ${killAfterSeconds} ${guard} $m $y $a - $SSH_ORIGINAL_COMMAND`;

// $1 digest of the agent, $2 collector. With IFS empty and without globs nothing is split or expanded, so that no quotes
// are needed. The agent's last byte is no line break, which $(cat) would lose.
const text = [
  'umask 077',
  'a=$1 y=$2 h=$HOME m= b= e=',
  `PATH=${launcherPath}`,
  ...findMachine,
  'set -f',
  'IFS=',
  `no(){ unset IFS;s=$1;shift;echo ${restrictedKeySign} $a: $* >&2;exit $s;}`,
  `for d in ${folders.join(' ')};do f=$d/$a.sh;[ \${#b} = 0 ]&&[ -f $f ]&&[ -r $f ]||continue`,
  'b=$(cat $f)',
  's=$(printf %s $b|{ sha256sum||shasum -a 256||openssl dgst -sha256;} 2>/dev/null)',
  'case x$s in x*$a*);;x)if [ -w $f ]||[ -w $d ]||[ -O $f ];then b= e=y;fi;;*)b=;;esac;done',
  'if [ ${#b} = 0 ];then case $e in y)' +
    `no ${agentAbsent} nothing here computes SHA-256, so the agent must be one that root installed;;esac` +
    `;no ${agentAbsent} no program $a, unchanged, in ${folders.join(' or ')};fi`,
  `command -v awk >/dev/null 2>&1||no ${noRuntime} ${noAwk}`,
  `if timeout -s KILL ${killAfterSeconds} true >/dev/null 2>&1` +
    `;then exec env -i HOME=$h PATH=$PATH timeout -s KILL ${killAfterSeconds} ${start('t')}` +
    `;else exec env -i HOME=$h PATH=$PATH ${start('w')};fi`,
].join(';');

export interface ShellLauncherOptions {
  /** For messages. */
  readonly client: string;
  /** SHA-256 of the shell agent, in hexadecimal digits. */
  readonly agentDigest: string;
  readonly collectorId: string;
}

/** The command of a restricted key that runs the shell agent. */
export function shellLauncherCommand({ client, agentDigest, collectorId }: ShellLauncherOptions): string {
  return restrictedCommand(client, text, [agentDigest, collectorId]);
}
