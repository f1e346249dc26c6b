/**
 * The line in a client's own crontab that makes the agent take reports while no collector connects, and the shell
 * scripts that add and remove the line. As in loader.ts the texts are constants and all variable parts are arguments.
 *
 * The line only finds the script that visits keep in the client's folder (agent/spool/spool-script.ts) and starts that
 * script, or makes an empty one, which the next visit fills. It does nothing if the client has no folder. It is shorter
 * than the 998 characters that crontab(5) of Debian allows a command, and holds no `%`, which cron would read as a line
 * break.
 */
import { spoolLineScript } from '../../report/client-scripts.ts';
import { spoolScriptName } from '../../report/wire.ts';

/** The word that marks lines of this product. */
export const spoolSign = 'fh-spool';

export interface SpoolLineOptions {
  readonly collectorId: string;
  /** The name of the client's folder, as in agent/spool/visit.ts. */
  readonly folder: string;
  /** The five fields of crontab(5). */
  readonly schedule: string;
  /** The time after a visit in which no report is made. */
  readonly pauseSeconds: number;
}

/** Returns the line, without its line break. */
export function spoolLine({ collectorId, folder, schedule, pauseSeconds }: SpoolLineOptions): string {
  return (
    `${schedule} /bin/sh -c '${spoolLineScript}' ${spoolSign} ${collectorId} ${folder} ${pauseSeconds} ` +
    '>/dev/null 2>&1'
  );
}

/** Returns the comment above the line, for people. The comment is removed with the line. */
export function spoolComment({ collectorId, folder }: LineName, client: string): string {
  const name = client.replace(/[^ -~]|%/g, '?');
  return `# ${spoolSign} ${collectorId} ${folder} takes reports of ${name} while its collector does not come`;
}

export type LineName = Pick<SpoolLineOptions, 'collectorId' | 'folder'>;

const begin = `set -eu
umask 077
LC_ALL=C
export LC_ALL
fail() { echo "fleet-health: $1" >&2; exit 1; }
command -v crontab >/dev/null 2>&1 || fail 'there is no crontab(1) here'
# Where it cannot be read it must not be replaced.
if answer=$(crontab -l 2>&1); then all=$(crontab -l 2>/dev/null)
else
  case $answer in
  *'no crontab'* | *'No such file'*) all= ;;
  *) fail "crontab -l: $answer" ;;
  esac
fi`;

/** Returns shell text that prints the crontab without the lines of this client. */
const others = ({ collectorId, folder }: LineName): string =>
  `{ if [ "$all" ]; then printf '%s\\n' "$all" | grep -vF '${spoolSign} ${collectorId} ${folder} ' || [ $? = 1 ]; fi`;

/** Returns a POSIX shell script that adds comment and line to the crontab of its account, once. */
export function putSpoolLineScript(options: SpoolLineOptions, client: string): string {
  return `#!/bin/sh
# Has this account's crontab take reports while no collector comes. Run it on the client, as the account of the collector.
${begin}
${others(options)}
cat <<'END_OF_FLEET_HEALTH'
${spoolComment(options, client)}
${spoolLine(options)}
END_OF_FLEET_HEALTH
} | crontab -
echo 'fleet-health: the line is in the crontab; it works from the next visit on'
`;
}

/** Returns a POSIX shell script that removes the line and its files. Waiting reports stay for the next visit. */
export function removeSpoolLineScript(name: LineName): string {
  const below = `*/${name.collectorId}/${name.folder}/${spoolScriptName}`;
  return `#!/bin/sh
# Takes the line of fleet-health spool out of this account's crontab. Run it on the client, as the account of the collector.
${begin}
u=$(id -u)
case $all in
*'${spoolSign} ${name.collectorId} ${name.folder} '*)
${others(name)}
} | crontab -
echo 'fleet-health: the line is out of the crontab' ;;
*) echo 'fleet-health: the crontab has no such line' ;;
esac
for root in "\${XDG_STATE_HOME:-/nowhere}/fleet-health" "$HOME/.local/state/fleet-health" /var/tmp/fleet-health-$u /dev/shm/fleet-health-$u; do
  if [ -L "$root" ] || [ ! -O "$root" ]; then continue; fi
  for file in "$root"/${below}; do [ ! -f "$file" ] || rm -f "$file"; done
done
`;
}
