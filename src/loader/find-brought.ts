import { printPlatform } from './platform-sign.ts';

/**
 * Shell text for where no node of the client's own will do: says what the client is, and tries what was brought for it (bring-runtime.ts).
 * Wants what loader.ts has set, $c, and the names of runtimes in $v.
 */
export const orBrought = [
  printPlatform,
  'own(){ [ -L "$1" ]&&return 1;[ $2 "$1" ]&&[ -O "$1" ];}',
  'brought(){ for d in "$1" "$1/$m" "$1/$m/$c";do own "$d" -d||return;done' +
    ';for i in $v;do p=$d/runtime-$i;own "$p" -d&&own "$p/node" -f&&go "$p/node";done;}',
  'case $XDG_STATE_HOME in /*)brought "$XDG_STATE_HOME/fleet-health";;esac',
  'case $h in /*)brought "$h/.local/state/fleet-health";;esac',
  'u=$(id -u);brought /var/tmp/fleet-health-$u;brought /dev/shm/fleet-health-$u',
];
