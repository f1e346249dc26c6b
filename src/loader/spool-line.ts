/**
 * The line of a client's own crontab that has the agent take reports there while no collector comes, and the shell
 * scripts that put it in and take it out. As in loader.ts the texts are constants and what differs is an argument.
 *
 * It only finds the script that visits keep in the client's folder (agent/spool/spool-script.ts) and starts it, or
 * makes an empty one, which the next visit fills. Where the client has no folder it does nothing. It is kept below the
 * 998 characters that crontab(5) of Debian allows a command, and holds no `%`, which cron would take for a line break.
 */
import { spoolLineScript } from '../report/client-scripts.ts';
import { spoolScriptName } from '../report/wire.ts';

/** The word that marks lines of this product. */
export const spoolSign = 'fh-spool';

export interface SpoolLineOptions {
  readonly collectorId: string;
  /** The client's folder, by the name of agent/spool/visit.ts. */
  readonly folder: string;
  /** The five fields of crontab(5). */
  readonly schedule: string;
  /** After a visit, the time in which there is nothing to do. */
  readonly pauseSeconds: number;
}

/** Returns the line, without its line break. */
export function spoolLine({ collectorId, folder, schedule, pauseSeconds }: SpoolLineOptions): string {
  return (
    `${schedule} /bin/sh -c '${spoolLineScript}' ${spoolSign} ${collectorId} ${folder} ${pauseSeconds} ` +
    '>/dev/null 2>&1'
  );
}

/** Returns the comment above the line, for people. It is removed with the line. */
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

/** Returns a POSIX shell script that puts comment and line into the crontab of the account that runs it, once. */
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

/**
 * Returns a POSIX shell script that removes the line and the files that it has made. Waiting reports stay for the next
 * visit.
 */
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
