import type { Bundle } from '../collector/agent-session.ts';
import type { Authorized } from './authorize-agent.ts';
import { launcherFolders } from '../transport/launcher.ts';

export interface AuthorizeScriptOptions {
  /** A name without characters of the shell. */
  readonly account: string;
  /** Of authorized_keys. */
  readonly line: string;
  /** The key of the line; other lines with it are taken away, for sshd obeys the first that fits. */
  readonly keyBase64: string;
  readonly authorized: Pick<Authorized, 'agent' | 'programs'>;
}

const end = 'END_OF_FLEET_HEALTH';

/**
 * A POSIX shell script that puts the programs and the line of a restricted key in place, run on the client by root or
 * by the account itself. Where sshd reads other files than ~/.ssh/authorized_keys, AUTHORIZED_KEYS names the one.
 */
export function authorizeScript({ account, line, keyBase64, authorized }: AuthorizeScriptOptions): string {
  return `#!/bin/sh
# Puts in place what a restricted key of fleet-health needs for the account ${account}: its agent and its line in
# authorized_keys. Run it on the client, as root or as ${account}.
set -eu
umask 022
fail() { echo "fleet-health: $1" >&2; exit 1; }
if [ "$(id -u)" = 0 ]; then dir=${launcherFolders.root}
elif [ "$(id -un)" = '${account}' ]; then dir=$HOME/${launcherFolders.home}
else fail 'run this as root or as ${account}'
fi
${authorized.agent === 'shell' ? shellNeeds : ''}mkdir -p "$dir"
[ -L "$dir" ] && fail "$dir is a symbolic link"
put() { # put DIGEST BYTES: stdin, without the line break that the shell needs
  head -c "$2" >"$dir/.new"
  if command -v sha256sum >/dev/null 2>&1; then sum=$(sha256sum <"$dir/.new"); else sum=$1; fi
  [ "\${sum%% *}" = "$1" ] || { rm -f "$dir/.new"; fail "$1 did not arrive as it was sent, or the disk is full"; }
  mv -f "$dir/.new" "$dir/$1${authorized.agent === 'shell' ? '.sh' : '.cjs'}"
}
${authorized.programs.map(putProgram).join('\n')}

# As the account, because in its home it may have put anything; as root only in a folder of root's.
replace='set -eu; umask 077
  file=\${AUTHORIZED_KEYS:-$HOME/.ssh/authorized_keys}
  if [ -z "\${AUTHORIZED_KEYS:-}" ]; then [ -d "$HOME/.ssh" ] || mkdir "$HOME/.ssh"; fi
  if [ -L "$file" ]; then echo "fleet-health: $file is a symbolic link" >&2; exit 1; fi
  if [ -n "\${AUTHORIZED_KEYS:-}" ]; then umask 022; fi
  rm -f "$file.new"; set -C
  { if [ -f "$file" ]; then grep -vF "${keyBase64}" "$file" || [ $? = 1 ]; fi; cat; } >"$file.new"
  mv -f "$file.new" "$file"
  if command -v restorecon >/dev/null 2>&1; then restorecon "$file" || :; fi'
as_account() {
  if [ "$(id -un)" = '${account}' ]; then sh -c "$replace"
  elif [ -n "\${AUTHORIZED_KEYS:-}" ] && [ -O "$(dirname "$AUTHORIZED_KEYS")" ]; then sh -c "$replace"
  else su -s /bin/sh '${account}' -c "$replace"
  fi
}
as_account <<'${end}'
${line}
${end}
echo 'fleet-health: the key of ${account} runs nothing but its agent from now on'
`;
}

/** Before anything is changed: without these the line would let nobody in. */
const shellNeeds = `command -v awk >/dev/null 2>&1 || fail 'the shell agent needs awk'
if [ "$(id -u)" != 0 ] && ! { sha256sum || shasum -a 256 || openssl dgst -sha256; } </dev/null >/dev/null 2>&1; then
  fail 'nothing here computes SHA-256, so the agent must be one that the account cannot change: run this as root'
fi
`;

function putProgram({ content, digest }: Pick<Bundle, 'content' | 'digest'>): string {
  return `put ${digest} ${content.length} <<'${end}'\n${content.toString()}\n${end}`;
}
