# Tries from this machine whether SSH servers of others greet it, all at once. Sends nothing. Takes node, else bash, else
# BusyBox.
#
# $1 marker, $2 seconds for each connection, $3 path of node or `-`, $4 program for node, $5 program for bash, then pairs
# of address and port. Writes a line for each pair: the sign, its number, and the end of the attempt in words.
#
# Sets b program for bash, d end of an attempt that timeout(1) ends, e words, i number, k `timeout` or nothing, l a line of
# the server, p program for node, q the sign.
. ./begin.sh
LC_ALL=C
export LC_ALL
q=fh-$1-look p=$4 b=$5 k= i=0
shift 5
case $n in /*) ;; *) n=node ;; esac
command -v "$n" >/dev/null && "$n" -e "$p" "$q" $t "$@" </dev/null && exit
# An old BusyBox accepts only `timeout -t SECONDS`.
case $(timeout 9 sh -c "echo fh" </dev/null 2>/dev/null) in fh) k=timeout ;; esac
# BusyBox ends attempts by itself, without a word about a connection that was open.
d=open
try() {
  ${k:+$k $((t+1))} busybox nc -w $t "$1" "$2" | while read -r l; do
    case $l in SSH-*) echo reached; break ;; esac
  done
}
command -v bash >/dev/null && d="timed out" && try() {
  ${k:+$k $t} bash -c "$b" fh "$1" "$2"
}
one() {
  e=$(try "$2" "$3" 2>&1 </dev/null)
  case $?$e in *reached*) e=reached ;; 0) e=open ;; 124|143) e=$d ;; esac
  echo "$q $1 $e"
}
while [ $# -gt 1 ]; do
  one $i "$1" "$2" & i=$((i+1))
  shift 2
done
wait
