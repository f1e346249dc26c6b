# Starts an agent whose program arrives on stdin.
#
# $1 to $3: see begin.sh; $4 length of the compressed program, $5 digest of the program, $6 digest of the other program,
# $7 the text of upload-agent.cjs, $8 request.
. ./begin.sh
l=$4 g=$5 o=$6 j=$7 r=$8 k=w
echo "fh-$1-loader-"
. ./find-machine.sh
# An old BusyBox accepts only `timeout -t SECONDS`, and another program may have the name.
case $(timeout -s KILL 9 printf fh </dev/null 2>/dev/null) in fh) k=t ;; esac
. ./node-word.sh
case $k in t) i="timeout -s KILL $t" ;; *) i= ;; esac
# A node is asked first: another program of this name might read the agent. On a slow machine the answer takes seconds.
start() {
  ask "$1" -e "$z"
  case $v in v*) ;; *) return ;; esac
  $i "$1" -e "$j" $l $g $o "$r" $k "$m" 4>&-
  v=v=$?
}
. ./try-every-node.sh
exit 83
