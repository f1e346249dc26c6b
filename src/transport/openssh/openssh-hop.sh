#!/bin/sh
# ssh runs this as its ProxyCommand (ssh_config(5)) and speaks through it to what lies behind the machine whose number
# is the argument. What that ssh says goes to a file of its own, so that one machine's words are never taken for
# another's; no server can fill the disk with them.
ulimit -f 32768
hop="$FLEET_HEALTH_HOPS/$1"
{ IFS= read -r host && IFS= read -r user && IFS= read -r to; } <"$hop.to" || exit 1
exec ssh -F "$hop.config" -l "$user" -W "$to" -- "$host" 2>"$hop.log"
