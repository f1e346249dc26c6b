# The end of spool.sh in a client's folder: makes one report, by the first agent that can. spool-script.ts puts the
# variables before this text: y seconds after a visit without a report, k guard, t seconds until the agent is killed, c
# collector, n path of node or `-`, g digest of the program, r request.
#
# Tries the agent of the last visit in the places of agents and of restricted keys, then any other agent there: a
# replaced agent may have left a script that could not be written. Statuses: 0 done, 4 notKeptStatus, 137 killed.
# shellcheck disable=SC2154 # spool-script.ts sets them
umask 077
unset NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_PATH NODE_V8_COVERAGE
h=$HOME m= e=83
. ../../src/transport/loader/find-machine.sh
. ../../src/transport/loader/places.sh
command -v timeout >/dev/null 2>&1 || k=w
. ../../src/transport/loader/node-word.sh
case $k in t) i="timeout -s KILL $t" ;; *) i= ;; esac
start() { ask "$1" -e "$z" "$b" $r $k "$m" "$y" </dev/null; }
# attempt: runs the agent in b by each node, in a subshell, because the functions exit.
attempt() {
  (
    . ../../src/transport/loader/try-every-node.sh
    exit 83
  )
  e=$?
  case $e in 0 | 4 | 137) exit $e ;; esac
}
# installed FOLDER: tries the programs of a restricted key.
installed() {
  for b in "$1"/$o.cjs; do
    [ -f "$b" ] && attempt
  done
}
look() {
  for d in "$1" "$1/$m" "$1/$m/$c"; do
    mine "$d" -d || return
  done
  # shellcheck disable=SC2231 # $o may be a glob
  for b in "$d"/$o.[tw].cjs; do
    mine "$b" -f && attempt
  done
}
for o in $g "*"; do
  home look
  temp look
  installed /usr/local/lib/fleet-health
  installed "$h/.local/lib/fleet-health"
done
exit $e
