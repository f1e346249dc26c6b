/**
 * Shell text that two things share: the loader of a visit (src/loader/loader.ts) and the script that a client's crontab
 * starts (agent/spool/spool-script.ts). It holds no `'`, `!`, `\` or line break.
 */

/** In a client's folder: what a crontab of the client starts. */
export const spoolScriptName = 'spool.sh';

/** Between agent and loader: this node is too old, try the next. */
export const nodeTooOldStatus = 86;

/** Sets $m to this machine's name in the places of agents. Wants an empty $m. */
export const findMachine = [
  // The machine, because a home may be mounted on many.
  'for f in /etc/machine-id /var/lib/dbus/machine-id /proc/sys/kernel/hostname;do [ ${#m} = 0 ]&&[ -r $f ]&&read -r m <$f;done',
  '[ ${#m} = 0 ]&&m=$(uname -n)',
  'case x$m in x|x.*|x-*|x*/*)m=unknown;;esac',
];

/** How a node ends that is too old, and how the shell ends for one that cannot be started. */
export const cannotRun = `${nodeTooOldStatus}|126|127`;

// Prints a file or folder that somebody else can write. /tmp and the like are none, where nobody replaces what is another's;
// nor is what the group with the account's own number can write, which is the account's alone.
const changeable =
  '-prune -type d -perm -1000 -user 0 -o -perm -002 -print -o -user 0 -perm -020 -print -o -user 0' +
  ' -o -user $u -group $u -o -perm -020 -print -o -user $u -o -print';

/**
 * Tries each node that is there until one is new enough; `start NODE` sets $s to its exit status. Wants $n and $h. Its
 * quotes are there because of spaces in paths alone: launcher.ts leaves them away, and so the loops set -f.
 *
 * `go` runs what the configuration names, and PATH is the account's as for all its other commands. `found FOLDER` runs a node
 * that merely lies in a usual place, and only if root or this account owns it and every folder above, and nobody else can
 * write them. It runs the resolved path, whose links nobody can exchange meanwhile. That has to be a node by its name: a
 * program with many names would not know which was meant. /snap/bin/node is such a program, and root's.
 */
export const tryEveryNode = [
  `run(){ start "$1";case $s in ${cannotRun});;*)exit $s;;esac;}`,
  'go(){ for p do set -f;[ -f "$p" ]&&[ -x "$p" ]&&run "$p";done;set +f;}',
  'found(){ for f do set -f;f=$f/bin/node;[ -x "$f" ]||continue;u=$(id -u) q=$(readlink -f "$f") w=$f' +
    ';p=$q;case ${q##*/} in node*)w=;;esac' +
    `;while [ \${#w} = 0 ];do w=$(find "\${p:-/}" ${changeable})||w=\${p:-/};[ \${#p} = 0 ]&&break;p=\${p%/*};done` +
    ';[ ${#w} = 0 ]&&run "$q"||{ echo untrusted "$f":;ls -ld "$w";} >&2;done;set +f;}',
  'case $n in /*)go "$n";;esac',
  'command -v node >/dev/null 2>&1&&run node',
  'found /usr/local /opt/homebrew "$h"/.nvm/versions/node/v[2-9][0-9].* "$h"/.nvm/versions/node/v1[89].*' +
    ' "$h"/.local/share/fnm/node-versions/*/installation "$h"/.fnm/node-versions/*/installation' +
    ' "$h"/.volta/tools/image/node/* /opt/* /usr/local/* /usr/local/lib/nodejs/*',
  'go /snap/bin/node',
];
