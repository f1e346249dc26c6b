import type { Bundle } from '../../collector/agent/task.ts';
import { launcherFolders } from '../../transport/loader/launcher.ts';
import { shellWord } from '../../text/shell-word.ts';
import type { Authorized } from './authorize-agent.ts';

interface AuthorizeScriptOptions {
  /** A name without characters of the shell. */
  readonly account: string;
  /** Options for the key's line, which keeps its other options. */
  readonly options: string;
  /** `ssh-ed25519 AAAA... comment`. */
  readonly publicKey: string;
  readonly authorized: Pick<Authorized, 'agent' | 'programs'>;
}

const end = 'END_OF_FLEET_HEALTH';

/**
 * Returns a POSIX shell script that installs the programs and the line of a restricted key. Root or the account runs
 * the script on the client. AUTHORIZED_KEYS names the file if sshd does not read ~/.ssh/authorized_keys.
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

/** The exit status of mergeKeyLines if it left a line of the key unchanged. */
export const lineLeftStatus = 3;

/**
 * An awk program that rewrites authorized_keys, whose path is ENVIRON["file"], on the client. stdin has the required
 * options and, in its second line, the public key. Each line of the key gets these options and keeps its others. A line
 * of the key that sshd would not understand is left unchanged and named on stderr. Lines of other keys stay unchanged.
 */
export const mergeKeyLines = String.raw`
# The length of the options at the start of a line, as sshd finds it; -1: a quote is open at its end.
function optionsLength(s,  i, c, quoted) {
  for (i = 1; i <= length(s); i++) {
    c = substr(s, i, 1)
    if (c == "\\" && substr(s, i + 1, 1) == "\"") i++
    else if (c == "\"") quoted = !quoted
    else if (!quoted && (c == " " || c == "\t")) break
  }
  return quoted ? -1 : i - 1
}
# True for NAME and NAME="VALUE", with no quote in VALUE but behind a backslash.
function isOption(s,  i) {
  if (s ~ /^[A-Za-z0-9-]+$/) return 1
  if (s !~ /^[A-Za-z0-9-]+="/) return 0
  for (i = index(s, "=") + 2; i < length(s); i++) {
    if (substr(s, i, 2) == "\\\"") i++
    else if (substr(s, i, 1) == "\"") return 0
  }
  return i == length(s) && substr(s, i, 1) == "\""
}
# Adds one option of a line to kept, unless what is to hold says it already.
function keep(word,  name) {
  if (!isOption(word)) return 0
  name = tolower(word)
  sub(/=.*/, "", name)
  if (name == "cert-authority") return 0
  if (name == "restrict" || name == "command" || (name == "from" && index("," ours, ",from=\""))) return 1
  if (index("," ours ",", "," word ",") == 0 && index("," kept ",", "," word ",") == 0) kept = kept "," word
  return 1
}
function keepAll(options,  i, c, quoted, word) {
  kept = ""
  for (i = 1; i <= length(options); i++) {
    c = substr(options, i, 1)
    if (c == "," && !quoted) {
      if (!keep(word)) return 0
      word = ""
      continue
    }
    if (c == "\\" && substr(options, i + 1, 1) == "\"") { word = word c; i++; c = "\"" }
    else if (c == "\"") quoted = !quoted
    word = word c
  }
  return keep(word)
}
# A line as sshd reads its key: from base64 it drops all white space but what ends a word.
function flat(text) {
  gsub(/[\r\v\f]/, "", text)
  return text
}
function leave(text) {
  print text
  left = 1
  print "fleet-health: line " number " of " file " has this key and cannot be understood, so it is left as it is" | "cat >&2"
}
function put(text) {
  if (!(text in done)) print text
  done[text] = placed = 1
}
function merge(text,  s, words, size) {
  s = text
  sub(/^[ \t]+/, "", s)
  if (s ~ /^#/) { print text; return }
  split(s, words, /[ \t]+/)
  if (words[1] == type && flat(words[2]) == key) { put(ours " " line); return }
  size = optionsLength(s)
  if (size < 0) { leave(text); return }
  split(substr(s, size + 1), words, /[ \t]+/)
  if (words[2] != type || flat(words[3]) != key) print text
  else if (keepAll(substr(s, 1, size))) put(ours kept " " line)
  else leave(text)
}
BEGIN {
  file = ENVIRON["file"]
  if ((getline ours) <= 0 || (getline line) <= 0) exit 1
  split(line, words, / /)
  type = words[1]
  key = words[2]
  while ((got = (getline text < file)) > 0) {
    number++
    if (index(flat(text), key) == 0) print text
    else merge(text)
  }
  if (got < 0 && ENVIRON["exists"] != "") exit 1
  if (!placed) print ours " " line
  close("cat >&2")
  exit (left ? ${lineLeftStatus} : 0)
}
`;

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

/** A check that SHA-256 can be computed, before any change: without SHA-256 the line would let nobody in. */
const shellNeeds = `if [ "$(id -u)" != 0 ] && ! { sha256sum || shasum -a 256 || openssl dgst -sha256; } </dev/null >/dev/null 2>&1; then
  fail 'nothing here computes SHA-256, so the agent must be one that the account cannot change: run this as root'
fi
`;

function putProgram({ content, digest }: Pick<Bundle, 'content' | 'digest'>): string {
  return `put ${digest} ${content.length} <<'${end}'\n${content.toString()}\n${end}`;
}
