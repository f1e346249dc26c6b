/**
 * Shell text that two things share: the loader of a visit (src/transport/loader.ts) and the script that a client's crontab
 * starts (agent/spool-script.ts). It holds no `'`, `!`, `\` or line break.
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

/**
 * Tries each node that is there until one is new enough; `start NODE` sets $s to its exit status. Wants $n and $h. Its
 * quotes are there because of spaces in paths alone: launcher.ts leaves them away.
 */
export const tryEveryNode = [
  `run(){ start "$1";case $s in ${cannotRun});;*)exit $s;;esac;}`,
  'go(){ for p do [ -f "$p" ]&&[ -x "$p" ]&&run "$p";done;}',
  'case $n in /*)go "$n";;esac',
  'command -v node >/dev/null 2>&1&&run node',
  'go /usr/local/bin/node /opt/homebrew/bin/node "$h"/.nvm/versions/node/v[2-9][0-9].*/bin/node "$h"/.nvm/versions/node/v1[89].*/bin/node' +
    ' "$h"/.local/share/fnm/node-versions/*/installation/bin/node "$h"/.fnm/node-versions/*/installation/bin/node' +
    ' "$h"/.volta/tools/image/node/*/bin/node /opt/*/bin/node /usr/local/*/bin/node /usr/local/lib/nodejs/*/bin/node' +
    ' /snap/bin/node /usr/bin/nodejs',
];
