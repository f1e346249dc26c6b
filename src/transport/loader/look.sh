# Tries from this machine whether others accept a TCP connection, all at once. Sends nothing. Takes node, else bash, else
# BusyBox.
#
# $1 marker, $2 seconds for each connection, $3 path of node or `-`, $4 program for node, $5 program for bash, then pairs
# of address and port. Writes a line for each pair: the sign, its number, and the end of the attempt in words.
#
# Sets b program for bash, e words, i number, k words of timeout(1) or nothing, p program for node, q the sign.
. ./begin.sh
LC_ALL=C
export LC_ALL
q=fh-$1-look p=$4 b=$5 k= i=0
shift 5
case $n in /*) ;; *) n=node ;; esac
command -v "$n" >/dev/null && "$n" -e "$p" "$q" $t "$@" </dev/null && exit
command -v timeout >/dev/null && k="timeout $t"
try() {
  $k busybox nc -w $t "$1" "$2" >/dev/null && echo reached
}
command -v bash >/dev/null && try() {
  $k bash -c "$b" fh "$1" "$2"
}
# Only timeout ends an attempt without a word.
one() {
  e=$(try "$2" "$3" 2>&1 </dev/null)
  echo "$q $1 ${e:-timed out}"
}
while [ $# -gt 1 ]; do
  one $i "$1" "$2" & i=$((i+1))
  shift 2
done
wait
