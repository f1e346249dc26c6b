# Tries from this machine whether others accept a TCP connection, all at once. Sends nothing. Takes node, else bash, else
# BusyBox.
#
# $1 marker, $2 seconds for each connection, $3 path of node or `-`, $4 program for node, $5 program for bash, then pairs
# of address and port. Writes a line for each pair: the sign, its number, and the end of the attempt in words.
#
# Sets b program for bash, d end of an attempt that timeout(1) ends, e words, i number, k `timeout` or nothing, p program
# for node, q the sign.
. ./begin.sh
LC_ALL=C
export LC_ALL
q=fh-$1-look p=$4 b=$5 k= i=0
shift 5
case $n in /*) ;; *) n=node ;; esac
command -v "$n" >/dev/null && "$n" -e "$p" "$q" $t "$@" </dev/null && exit
# An old BusyBox accepts only `timeout -t SECONDS`.
case $(timeout 9 sh -c "echo fh" </dev/null 2>/dev/null) in fh) k=timeout ;; esac
# BusyBox ends attempts by itself. What lasts longer is a connection that the other side leaves open.
d=reached
try() {
  ${k:+$k $((t+1))} busybox nc -w $t "$1" "$2" >/dev/null
}
command -v bash >/dev/null && d="timed out" && try() {
  ${k:+$k $t} bash -c "$b" fh "$1" "$2"
}
one() {
  e=$(try "$2" "$3" 2>&1 </dev/null)
  case $? in 0) e=reached ;; 124|143) e=$d ;; esac
  echo "$q $1 $e"
}
while [ $# -gt 1 ]; do
  one $i "$1" "$2" & i=$((i+1))
  shift 2
done
wait
