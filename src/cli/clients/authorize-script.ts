import type { Bundle } from '../../collector/agent/task.ts';
import { launcherFolders } from '../../loader/launcher.ts';
import { shellWord } from '../../text/shell-word.ts';
import type { Authorized } from './authorize-agent.ts';
import { lineLeftStatus, mergeKeyLines } from './merge-key-lines.ts';

export interface AuthorizeScriptOptions {
  /** A name without characters of the shell. */
  readonly account: string;
  /** Options that the key's line gets; it keeps its others. */
  readonly options: string;
  /** `ssh-ed25519 AAAA... comment`. */
  readonly publicKey: string;
  readonly authorized: Pick<Authorized, 'agent' | 'programs'>;
}

const end = 'END_OF_FLEET_HEALTH';

/**
 * Returns a POSIX shell script that puts the programs and the line of a restricted key in place. Root or the account
 * runs it on the client. AUTHORIZED_KEYS names the file if sshd reads another one than ~/.ssh/authorized_keys.
 */
export function authorizeScript({ account, options, publicKey, authorized }: AuthorizeScriptOptions): string {
  const { agent, programs } = authorized;
  return `#!/bin/sh
# Puts in place what a restricted key of fleet-health needs for the account ${account}: its agent, where it has one, and its
# line in authorized_keys, which keeps options that it has already. Run it on the client, as root or as ${account}.
set -eu
umask 022
fail() { echo "fleet-health: $1" >&2; exit 1; }
if [ "$(id -u)" = 0 ]; then dir=${launcherFolders.root}
elif [ "$(id -un)" = '${account}' ]; then dir=$HOME/${launcherFolders.home}
else fail 'run this as root or as ${account}'
fi
command -v awk >/dev/null 2>&1 || fail '${agent === 'shell' ? 'the shell agent' : 'this script'} needs awk'
${agent === 'shell' ? shellNeeds : ''}${programs.length === 0 ? '' : putPrograms(authorized)}
# As the account, because in its home it may have put anything; as root only in a folder of root's.
replace=${shellWord(replaceLine)}
as_account() {
  if [ "$(id -un)" = '${account}' ]; then sh -c "$replace"
  elif [ -n "\${AUTHORIZED_KEYS:-}" ] && [ -O "$(dirname "$AUTHORIZED_KEYS")" ]; then sh -c "$replace"
  else su -s /bin/sh '${account}' -c "$replace"
  fi
}
status=0
as_account <<'${end}' || status=$?
${options}
${publicKey}
${end}
[ "$status" != ${lineLeftStatus} ] || fail 'take these lines away, else the key can do what they say'
[ "$status" = 0 ] || fail 'authorized_keys was not changed'
echo 'fleet-health: the key of ${account} ${agent === null ? 'only forwards to what is behind this machine' : 'runs nothing but its agent'} from now on'
`;
}

const replaceLine = `set -eu; umask 077
  file=\${AUTHORIZED_KEYS:-$HOME/.ssh/authorized_keys}
  if [ -z "\${AUTHORIZED_KEYS:-}" ]; then [ -d "$HOME/.ssh" ] || mkdir "$HOME/.ssh"; fi
  if [ -L "$file" ]; then echo "fleet-health: $file is a symbolic link" >&2; exit 1; fi
  if [ -n "\${AUTHORIZED_KEYS:-}" ]; then umask 022; fi
  exists=; if [ -f "$file" ]; then exists=yes; fi
  rm -f "$file.new"; set -C; status=0
  file=$file exists=$exists LC_ALL=C awk ${shellWord(mergeKeyLines)} >"$file.new" || status=$?
  if [ "$status" != 0 ] && [ "$status" != ${lineLeftStatus} ]; then rm -f "$file.new"; exit 1; fi
  mv -f "$file.new" "$file"
  if command -v restorecon >/dev/null 2>&1; then restorecon "$file" || :; fi
  exit "$status"`;

function putPrograms({ agent, programs }: AuthorizeScriptOptions['authorized']): string {
  return `mkdir -p "$dir"
[ -L "$dir" ] && fail "$dir is a symbolic link"
put() { # put DIGEST BYTES: stdin, without the line break that the shell needs
  head -c "$2" >"$dir/.new"
  if command -v sha256sum >/dev/null 2>&1; then sum=$(sha256sum <"$dir/.new"); else sum=$1; fi
  [ "\${sum%% *}" = "$1" ] || { rm -f "$dir/.new"; fail "$1 did not arrive as it was sent, or the disk is full"; }
  mv -f "$dir/.new" "$dir/$1${agent === 'shell' ? '.sh' : '.cjs'}"
}
${programs.map(putProgram).join('\n')}
`;
}

/** Checks before anything is changed that SHA-256 can be computed: without it the line would let nobody in. */
const shellNeeds = `if [ "$(id -u)" != 0 ] && ! { sha256sum || shasum -a 256 || openssl dgst -sha256; } </dev/null >/dev/null 2>&1; then
  fail 'nothing here computes SHA-256, so the agent must be one that the account cannot change: run this as root'
fi
`;

function putProgram({ content, digest }: Pick<Bundle, 'content' | 'digest'>): string {
  return `put ${digest} ${content.length} <<'${end}'\n${content.toString()}\n${end}`;
}
