# Starts the agent that an earlier visit installed on this client, or reports that it is absent. Starts nothing but
# timeout and node if everything is in place.
#
# $1 to $3: see begin.sh; $4 kind, $5 digest of the program for Linux, $6 of the other program, $7 collector, $8 digest
# of the shell agent or `-`, $9 its marker, ${10} its folder, ${11} request. Statuses: loaderStatus of loader.ts.
#
# Sets a status if the program is absent, b path of the program, c collector, g digest, k guard (`t` timeout, `w` the
# agent's own watchdog), r request, x suffix of the program.
. ./begin.sh
g=$5 a=81 c=$7 r=${11} x=cjs b=
[ "$4" = visit ] && [ -r /proc/sys/kernel/ostype ] || {
  g=$6
  a=82
}
echo "fh-$1-loader-$a"
. ./find-machine.sh
. ./places.sh
look() {
  [ "$b" ] && return
  for d in "$1" "$1/$m" "$1/$m/$c"; do
    mine "$d" -d || return
  done
  for k in t w; do
    b=$d/$g.$k.$x
    mine "$b" -f && return
  done
  b=
}
seek() {
  home look
  [ "$b" ] || temp look
  command -v timeout >/dev/null || k=w
  i=
  [ "$k" = t ] && i="timeout -s KILL $t"
}
seek
. ./node-word.sh
# A node is asked before anything is uploaded: one that cannot run the program would fail at every visit.
start() {
  ask "$1" -e "$z" "$b" "$r" $k "$m"
  [ "$b" ] || v=$v=$a
}
. ./try-every-node.sh
# If no node is usable and $8 names a shell agent: starts the shell agent (agent/capture), found in the same places.
case $a$8 in 82* | 81-) exit 83 ;; esac
a=89 g=$8 x=sh b=
echo "fh-$1-loader-$a"
command -v awk >/dev/null || {
  echo "no awk for the shell agent" >&2
  exit 83
}
seek
[ "$b" ] || exit $a
exec $i /bin/sh "$b" $9 $t $k "$m" $c ${10} - "$r"
