# Starts an agent whose program arrives on stdin.
#
# $1 to $3: see begin.sh; $4 length of the compressed program, $5 digest of the program, $6 digest of the other program,
# $7 the text of upload-agent.cjs, $8 request.
. ./begin.sh
l=$4 g=$5 o=$6 j=$7 r=$8 k=w
echo "fh-$1-loader-"
. ./find-machine.sh
# An old BusyBox accepts only `timeout -t SECONDS`.
timeout -s KILL 9 true >/dev/null 2>&1 && k=t
. ./node-word.sh
# A node is asked first: another program of this name might read the agent.
start() {
  case $k in t) i="timeout -s KILL 5" ;; *) i= ;; esac
  ask "$1"
  case $v in v[0-9]*) ;; *) return ;; esac
  [ "$i" ] && i="timeout -s KILL $t"
  $i "$1" -e "$j" $l $g $o "$r" $k "$m" 4>&-
  s=$?
}
. ./try-every-node.sh
exit 83
