# The launcher of a restricted key: see launcher.ts. The script runs without the double quotes below, which dropbear
# does not accept in authorized_keys. With an empty IFS nothing is split, and with `set -f` no text of the key's holder
# is expanded.
#
# $1 digest of the agent, $2 of the other program, $3 collector, $4 sealing key, $5 path of node or `-`, $6 the text of
# launcher.cjs. Statuses: launcherStatus of launcher.ts.
umask 077
a=$1 o=$2 c=$3 y=$4 n=$5 j=$6 h=$HOME k=w m=
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
. ./find-machine.sh
IFS=
timeout -s KILL 120 true >/dev/null 2>&1 && k=t
start() {
  set -f
  if [ $k = t ]; then
    env -i HOME="$h" PATH="$PATH" timeout -s KILL 120 "$1" -e "$j" "$a" "$o" "$c" "$y" "$k" "$m" "$SSH_ORIGINAL_COMMAND"
  else
    env -i HOME="$h" PATH="$PATH" "$1" -e "$j" "$a" "$o" "$c" "$y" "$k" "$m" "$SSH_ORIGINAL_COMMAND"
  fi
  s=$?
  set +f
}
. ./try-every-node.sh
echo fleet-health restricted key "$a": no Node.js 18.15 or newer was found >&2
exit 83
