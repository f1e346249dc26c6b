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
start() {
  if [ $k = t ]; then
    timeout -s KILL $t "$1" -e "$j" $l $g $o "$r" $k "$m"
  else
    "$1" -e "$j" $l $g $o "$r" $k "$m"
  fi
  s=$?
}
. ./try-every-node.sh
exit 83
