# The launcher of a restricted key: see launcher.ts. The script runs without the double quotes below, which dropbear
# does not accept in authorized_keys. With an empty IFS nothing is split, and with `set -f` no text of the key's holder
# is expanded.
#
# $1 digest of the agent, $2 of the other program, $3 collector, $4 sealing key, $5 path of node or `-`, $6 the text of
# launcher.cjs. Statuses: launcherStatus of launcher.ts.
umask 077
a=$1 o=$2 c=$3 y=$4 n=$5 j=$6 h=$HOME k=w l= m=
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
. ./find-machine.sh
IFS=
# Another program may have the name, which does not start the agent.
case $(timeout -s KILL 120 printf fh </dev/null 2>/dev/null) in fh) k=t l=timeout ;; esac
start() {
  set -f
  v=$({
    env -i HOME="$h" PATH="$PATH" $l ${l:+-s} ${l:+KILL} ${l:+120} "$1" -e "$j" "$a" "$o" "$c" "$y" "$k" "$m" "$SSH_ORIGINAL_COMMAND" 3>&1 >&4 4>&- 5<&0 </dev/null
    # shellcheck disable=SC2283 # the word begins with it
    echo =$?
  } | {
    # shellcheck disable=SC2162 # a version has no backslash
    read v
    echo $v
  })
  set +f
}
. ./try-every-node.sh
echo fleet-health restricted key "$a": no Node.js 18.15 or newer was found >&2
exit 83
